// Retired words, each with the term that replaced it: no message, help, page, comment or name of a test case
// uses one.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
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

// Values as databases store them and docs/json-output.md promises them. What is shown of them is translated.
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
bool contains(const std::string& text, const std::string& phrase) {
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
    if (contains(lower, word.phrase) && !allowed(place, word.phrase))
      found.push_back(place + ":" + std::to_string(line) + ": `" + word.phrase + "`; say: " + word.instead);
}

// What a comment quotes is no prose: names of code in backticks, and stored values.
std::string without_quotes(const std::string& comment) {
  static const std::regex quoted("`[^`\n]*`|\"(cut off|under way|taken back|healed)\"");
  return std::regex_replace(comment, quoted, "``");
}

struct Passage {
  std::size_t line;
  std::string text;
};
using Passages = std::vector<Passage>;

// The texts of C++ source. Literals with nothing but white space between them are one; so are comments.
class SourceTexts {
 public:
  explicit SourceTexts(const std::string& source) : source_(source) {
    while (at_ < source_.size()) next();
  }
  const Passages& literals() const { return literals_; }
  const Passages& comments() const { return comments_; }
  // Of test cases and sections.
  Passages names() const {
    Passages found;
    for (const std::size_t i : names_) found.push_back(literals_[i]);
    return found;
  }

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
  bool is_name() const {
    const std::string_view before(source_.data(), source_.find_last_not_of(" \n", at_ == 0 ? 0 : at_ - 1) + 1);
    return before.ends_with("TEST_CASE(") || before.ends_with("SECTION(");
  }
  void add_literal(std::size_t begin, std::size_t end) {
    if (last_ != Last::literal) {
      if (is_name()) names_.push_back(literals_.size());
      literals_.push_back({line_, ""});
    }
    literals_.back().text += source_.substr(begin, end - begin);
    last_ = Last::literal;
  }
  // A comment between two literals does not part them.
  void add_comment(std::size_t end) {
    if (last_ != Last::comment) comments_.push_back({line_, ""});
    comments_.back().text += source_.substr(at_ + 2, end - at_ - 2) + "\n";
    if (last_ != Last::literal) last_ = Last::comment;
  }
  void next() {
    const char c = source_[at_];
    const bool in_word =
        at_ > 0 && (std::isalnum(static_cast<unsigned char>(source_[at_ - 1])) || source_[at_ - 1] == '_');
    const std::size_t line_end = std::min(source_.find('\n', at_), source_.size());
    if (here("//")) {
      add_comment(line_end);
      skip_to(line_end);
    } else if (c == '#' && here("#include")) {
      last_ = Last::other;
      skip_to(line_end);
    } else if (c == 'R' && here("R\"") && !in_word) {
      const std::size_t open = source_.find('(', at_);
      const std::string close = ")" + source_.substr(at_ + 2, open - at_ - 2) + "\"";
      const std::size_t end = source_.find(close, open);
      add_literal(open + 1, end);
      skip_to(end + close.size());
    } else if (c == '"') {
      const std::size_t end = end_of_quoted();
      add_literal(at_ + 1, end - 1);
      skip_to(end);
    } else if (c == '\'' && !in_word) {
      last_ = Last::other;
      skip_to(end_of_quoted());
    } else {
      if (!std::isspace(static_cast<unsigned char>(c))) last_ = Last::other;
      skip_to(at_ + 1);
    }
  }

  enum class Last { literal, comment, other };

  const std::string& source_;
  std::size_t at_ = 0, line_ = 1;
  Last last_ = Last::other;
  Passages literals_, comments_;
  std::vector<std::size_t> names_;  // indexes in literals_
};

// "def test_a_b" with its docstring, which the report of the machine tests shows in place of the name: "a b …".
Passages python_names(const std::string& source) {
  static const std::regex pattern("def test_(\\w+)[^\n]*\n(?:\\s*\"\"\"([^\"]*)\"\"\")?");
  Passages names;
  for (std::sregex_iterator at(source.begin(), source.end(), pattern), end; at != end; ++at) {
    std::string name = at->str(1);
    std::replace(name.begin(), name.end(), '_', ' ');
    const auto lines = std::count(source.begin(), source.begin() + at->position(), '\n');
    names.push_back({static_cast<std::size_t>(lines) + 1, name + ". " + at->str(2)});
  }
  return names;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string place_of(const std::filesystem::path& path) { return path.lexically_relative(top).string(); }

// The files of these folders, and of those in them, with one of the extensions.
std::vector<std::filesystem::path> files_of(const std::vector<std::string>& folders,
                                            const std::vector<std::string>& extensions) {
  std::vector<std::filesystem::path> files;
  for (const std::string& folder : folders)
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top / folder))
      if (std::count(extensions.begin(), extensions.end(), entry.path().extension().string()) != 0)
        files.push_back(entry.path());
  return files;
}

}  // namespace

TEST_CASE("text literals are found in source, with their lines") {
  const std::string source = "f(\"a\\\"b\" // \"no\"\n  \"c\", '\"', R\"(d\ne)\");\n#include \"g\"\nx(\"h\");";
  const SourceTexts texts(source);
  const Passages& literals = texts.literals();
  REQUIRE(literals.size() == 3);
  CHECK((literals[0].text == "a\\\"bc" && literals[0].line == 1));
  CHECK((literals[1].text == "d\ne" && literals[1].line == 2));
  CHECK((literals[2].text == "h" && literals[2].line == 5));
}

TEST_CASE("comments and names of test cases are found in source, with their lines") {
  const std::string source =
      "// a\n  // b\nx;  // c\ny;  // d\nTEST_CASE(\n  \"e \"\n  \"f\", \"[g]\") {\n SECTION(\"http://h\") {}}";
  const SourceTexts texts(source);
  const Passages& comments = texts.comments();
  const Passages names = texts.names();
  REQUIRE((comments.size() == 3 && names.size() == 2));
  CHECK((comments[0].text == " a\n b\n" && comments[0].line == 1));
  CHECK((comments[2].text == " d\n" && comments[2].line == 4));
  CHECK((names[0].text == "e f" && names[0].line == 6));
  CHECK((names[1].text == "http://h" && names[1].line == 8));
}

TEST_CASE("names of Python's tests are found with their docstrings") {
  const Passages names =
      python_names("import a\n\ndef test_b_c(world):\n    \"\"\"d\"\"\"\ndef test_e():\n    f()\n");
  REQUIRE(names.size() == 2);
  CHECK((names[0].text == "b c. d" && names[0].line == 3));
  CHECK((names[1].text == "e. " && names[1].line == 5));
}

TEST_CASE("retired words are found as whole words, over the ends of lines") {
  std::vector<std::string> found;
  find_retired("x.cpp", 3, "It was cut\noff while wishful thinking.", found);
  CHECK(joined(found) == "x.cpp:3: `cut off`; say: interrupted\n");
}

TEST_CASE("quoted names and stored values in comments are no prose") {
  CHECK(without_quotes("`wish` was \"cut off\", cut off") == "`` was ``, cut off");
}

TEST_CASE("no message of the program uses a retired word") {
  std::vector<std::string> found;
  std::size_t count = 0;
  for (const auto& file : files_of({"agent", "modules"}, {".cpp", ".hpp"})) {
    const std::string source = AgentFolder::read(file);
    const SourceTexts texts(source);
    count += texts.literals().size();
    for (const Passage& literal : texts.literals())
      if (!is_stored_value(literal.text)) find_retired(place_of(file), literal.line, literal.text, found);
  }
  CHECK(count > 2000);
  CHECK(joined(found) == "");
}

TEST_CASE("no comment uses a retired word") {
  std::vector<std::string> found;
  std::size_t count = 0;
  for (const auto& file : files_of({"agent", "modules", "tests"}, {".cpp", ".hpp"})) {
    const std::string source = AgentFolder::read(file);
    const SourceTexts texts(source);
    count += texts.comments().size();
    for (const Passage& comment : texts.comments())
      find_retired(place_of(file), comment.line, without_quotes(comment.text), found);
  }
  CHECK(count > 2000);
  CHECK(joined(found) == "");
}

TEST_CASE("no name of a test case uses a retired word") {
  std::vector<std::string> found;
  std::size_t count = 0;
  for (const auto& file : files_of({"tests"}, {".cpp", ".py"})) {
    const std::string source = AgentFolder::read(file);
    const Passages names = file.extension() == ".py" ? python_names(source) : SourceTexts(source).names();
    count += names.size();
    for (const Passage& name : names) find_retired(place_of(file), name.line, name.text, found);
  }
  CHECK(count > 1000);
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

TEST_CASE("no help of a command uses a retired word", "[long]") {
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
