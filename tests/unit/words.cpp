// What users read says one word for one thing: messages, helps and pages use none of the words that were given
// up.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "support/agent_process.hpp"
#include "support/catch.hpp"

using namespace mlops::test;

namespace {

const std::filesystem::path top = SOURCE_DIR;

// In lower case; a blank also stands for a line's end.
struct Retired {
  const char* phrase;
  const char* instead;
};

constexpr Retired retired[] = {
    {"cut off", "interrupted"},
    {"under way", "running, active, during"},
    {"take back", "undo, revert"},
    {"takes back", "undoes, reverts"},
    {"taken back", "undone, reverted"},
    {"taking back", "undoing, reverting"},
    {"took back", "undid, reverted"},
    {"take it back", "undo it"},
    {"takes it back", "undoes it"},
    {"took it back", "undid it"},
    {"ground that", "changed since the plan was made"},
    {"has shifted", "changed since the plan was made"},
    {"wish", "desired"},
    {"wishes", "desired"},
    {"wished", "desired"},
    {"as wanted", "as desired"},
    {", wanted", "expected"},
    {"whom", "the user that, which resource"},
    {"nobody's hands", "writable by others"},
    {"who acts", "the user that it runs as"},
    {"as it should be", "converged, as desired"},
    {"ends right", "converges"},
    {"in thought", "simulated"},
    {"what-if", "simulated"},
    {"goes on", "continues, resumes"},
    {"go on", "continue, resume"},
    {"what is there", "current, what exists"},
    {"what it gives", "its output"},
    {"resources give", "outputs of resources"},
    {"machine gives", "output of another machine"},
    {"near side", "controller"},
    {"far side", "target"},
    {"this side", "controller"},
};

// Where a phrase stays, and why.
struct Exception {
  const char* place;   // the end of a path
  const char* phrase;  // of retired
  const char* reason;
};

constexpr Exception exceptions[] = {
    {"/schema.cpp", "cut off", "the text that makes the tables, with comments for developers"},
    {"/schema.cpp", "under way", "the same"},
    {"/schema.cpp", "takes back", "the same"},
    {"/schema.cpp", "whom", "the same"},
    {"/schema.cpp", "wish", "the same"},
    {"docs/json-output.md", "cut off", "the promised values"},
    {"docs/json-output.md", "under way", "the promised value"},
    {"docs/state-format.md", "cut off", "the value in the database"},
    {"docs/glossary.md", "cut off", "explains the value in the database"},
    {"docs/writing-a-module.md", "wish", "the member of Claim"},
};

// Values as databases hold them and docs/json-output.md promises them. What is shown of them is translated.
bool is_stored_value(const std::string& literal) {
  return literal == "cut off" || literal == "under way" || literal == "taken back" ||
         literal.find("'cut off'") != literal.npos;
}

std::string lower_case(const std::string& text) {
  std::string lower;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (!std::isspace(u))
      lower += static_cast<char>(std::tolower(u));
    else if (!lower.ends_with(' '))
      lower += ' ';
  }
  return lower;
}

// Whole words only.
bool holds(const std::string& text, const std::string& phrase) {
  const auto in_word = [&](std::size_t at) {
    return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at]));
  };
  for (std::size_t at = text.find(phrase); at != text.npos; at = text.find(phrase, at + 1))
    if (!(at > 0 && in_word(at - 1) && in_word(at)) && !in_word(at + phrase.size())) return true;
  return false;
}

bool allowed(const std::string& place, const std::string& phrase) {
  return std::any_of(std::begin(exceptions), std::end(exceptions),
                     [&](const Exception& e) { return place.ends_with(e.place) && e.phrase == phrase; });
}

// "FILE:LINE: phrase, say instead", for each phrase that is found and not allowed.
void find_retired(const std::string& place, std::size_t line, const std::string& text,
                  std::vector<std::string>& found) {
  const std::string lower = lower_case(text);
  for (const Retired& word : retired)
    if (holds(lower, word.phrase) && !allowed(place, word.phrase))
      found.push_back(place + ":" + std::to_string(line) + ": `" + word.phrase + "`; say: " + word.instead);
}

struct Literal {
  std::size_t line;
  std::string text;
};

// The text literals of C++ source. Those that stand one after the other are one.
class Literals {
 public:
  explicit Literals(const std::string& source) : source_(source) {
    while (at_ < source_.size()) next();
  }
  const std::vector<Literal>& list() const { return list_; }

 private:
  bool here(const char* text) const {
    return source_.compare(at_, std::char_traits<char>::length(text), text) == 0;
  }
  void skip_to(std::size_t end) {
    end = std::min(end, source_.size());
    line_ += static_cast<std::size_t>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                 source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at_ = end;
  }
  // Past the closing quote, which a backslash may hide.
  std::size_t end_of_quoted() const {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != source_[at_]) end += source_[end] == '\\' ? 2 : 1;
    return end + 1;
  }
  void add(std::size_t begin, std::size_t end) {
    if (!follows_) list_.push_back({line_, ""});
    list_.back().text += source_.substr(begin, end - begin);
    follows_ = true;
  }
  void next() {
    const char c = source_[at_];
    const bool in_word =
        at_ > 0 && (std::isalnum(static_cast<unsigned char>(source_[at_ - 1])) || source_[at_ - 1] == '_');
    if (here("//") || (c == '#' && here("#include"))) {
      skip_to(source_.find('\n', at_));
    } else if (c == 'R' && here("R\"") && !in_word) {
      const std::size_t open = source_.find('(', at_);
      const std::string close = ")" + source_.substr(at_ + 2, open - at_ - 2) + "\"";
      const std::size_t end = source_.find(close, open);
      add(open + 1, end);
      skip_to(end + close.size());
    } else if (c == '"') {
      const std::size_t end = end_of_quoted();
      add(at_ + 1, end - 1);
      skip_to(end);
    } else if (c == '\'' && !in_word) {
      skip_to(end_of_quoted());
    } else {
      follows_ = follows_ && std::isspace(static_cast<unsigned char>(c));
      skip_to(at_ + 1);
    }
  }

  const std::string& source_;
  std::size_t at_ = 0, line_ = 1;
  bool follows_ = false;
  std::vector<Literal> list_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string place_of(const std::filesystem::path& path) { return path.lexically_relative(top).string(); }

}  // namespace

TEST_CASE("text literals are found in source, with their lines") {
  const std::string source = "f(\"a\\\"b\" // \"no\"\n  \"c\", '\"', R\"(d\ne)\");\n#include \"g\"\nx(\"h\");";
  const Literals literals(source);
  REQUIRE(literals.list().size() == 3);
  CHECK((literals.list()[0].text == "a\\\"bc" && literals.list()[0].line == 1));
  CHECK((literals.list()[1].text == "d\ne" && literals.list()[1].line == 2));
  CHECK((literals.list()[2].text == "h" && literals.list()[2].line == 5));
}

TEST_CASE("retired words are found as whole words, over the ends of lines") {
  std::vector<std::string> found;
  find_retired("x.cpp", 3, "It was cut\noff while wishful thinking.", found);
  CHECK(joined(found) == "x.cpp:3: `cut off`; say: interrupted\n");
}

TEST_CASE("no message of the program uses a retired word") {
  std::vector<std::string> found;
  std::size_t count = 0;
  for (const char* folder : {"agent", "modules"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top / folder)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
      const std::string source = AgentFolder::read(entry.path());
      const Literals literals(source);
      for (const Literal& literal : literals.list()) {
        if (!is_stored_value(literal.text))
          find_retired(place_of(entry.path()), literal.line, literal.text, found);
        ++count;
      }
    }
  CHECK(count > 2000);
  CHECK(joined(found) == "");
}

TEST_CASE("no page uses a retired word") {
  std::vector<std::filesystem::path> pages{top / "README.md", top / "CONTRIBUTING.md", top / "SECURITY.md"};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(top / "docs"))
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  std::vector<std::string> found;
  for (const auto& page : pages) {
    std::istringstream lines(AgentFolder::read(page));
    std::size_t number = 0;
    // A phrase may stand at the end of one line and the beginning of the next.
    for (std::string line, before; std::getline(lines, line); before = line) {
      ++number;
      std::vector<std::string> now, earlier;
      find_retired(place_of(page), number, before + "\n" + line, now);
      find_retired(place_of(page), number, before, earlier);
      if (now != earlier) found.insert(found.end(), now.begin(), now.end());
    }
  }
  CHECK(joined(found) == "");
}

TEST_CASE("no help of a command uses a retired word") {
  const AgentFolder folder;
  const Ended all = folder.run({"--help"});
  std::vector<std::string> found, commands{""};
  std::istringstream lines(all.out.substr(all.out.find("Subcommands:")));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.starts_with("  "))
    if (line[2] != ' ') commands.push_back(line.substr(2, line.find(' ', 2) - 2));
  CHECK(commands.size() > 10);
  for (const std::string& command : commands) {
    const Ended help = command.empty() ? all : folder.run({command, "--help"});
    CHECK(help.status == 0);
    find_retired(command + " --help", 1, help.out, found);
  }
  CHECK(joined(found) == "");
}
