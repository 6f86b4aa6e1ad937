#include "base/printable.hpp"

#include <cstdio>
#include <cstdlib>

#include "model/diagnostic.hpp"
#include "model/event.hpp"
#include "model/value.hpp"
#include "report/json.hpp"
#include "report/terminal.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

// ESC [ 2 J, C1's CSI, carriage return, backspace, a right-to-left override, a zero-width space, a line
// separator, a byte that is no UTF-8, DEL, BEL, OSC 52.
const std::string hostile =
    "a\x1b[2J\xc2\x9b"
    "31m\r\b\xe2\x80\xae\xe2\x80\x8b\xe2\x80\xa8\xff\x7f\x07\x1b]52;c;eA==\x07z";

// What of a text would steer a terminal: all but newlines, tabs, and our own colours where they are expected.
std::vector<std::string> steering(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n' || byte == '\t') {
      ++i;
    } else if (byte < 0x20 || byte == 0x7f) {
      found.push_back("byte " + std::to_string(byte));
      ++i;
    } else if (text.substr(i).starts_with("\xc2") && i + 1 < text.size() &&
               static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      found.push_back("C1");
      i += 2;
    } else if (text.substr(i).starts_with("\xe2\x80") && i + 2 < text.size() &&
               (static_cast<unsigned char>(text[i + 2]) >= 0xa8 || text[i + 2] == '\x8b')) {
      const auto third = static_cast<unsigned char>(text[i + 2]);
      if (third == 0x8b || (third >= 0xa8 && third <= 0xae)) found.push_back("bidi or zero width");
      i += 3;
    } else {
      found.insert(found.end(), byte == 0xff ? 1 : 0, "no UTF-8");
      ++i;
    }
  }
  return found;
}

template <class Report>
std::string written(const std::vector<Event>& events, Report make) {
  char* data = nullptr;
  std::size_t size = 0;
  std::FILE* file = open_memstream(&data, &size);
  {
    auto report = make(file);
    for (const Event& event : events) (*report)(event);
  }
  std::fclose(file);
  const std::string text(data, size);
  std::free(data);
  return text;
}

std::vector<Event> hostile_events() {
  ResourceFinished bad{.label = hostile, .id = hostile, .type = hostile, .host = hostile, .as = hostile};
  bad.changes = {{.property = hostile,
                  .before = hostile,
                  .after = Value::Array{hostile},
                  .text_diff = "+" + hostile + "\n"},
                 {.property = hostile, .after = hostile, .kind = Change::Kind::event}};
  bad.maybe = {hostile};
  bad.reason = hostile + "\n" + hostile;
  bad.output = hostile + "\n";
  bad.note = hostile;
  std::vector<Event> events{RunStarted{hostile, "plan", {hostile, "b"}},
                            ResourcesKnown{1, hostile, hostile},
                            PlayStarted{hostile, hostile, {}},
                            PlayStarted{hostile, hostile, hostile},
                            NoticeGiven{hostile, hostile},
                            AccountUsed{hostile, hostile, hostile, hostile, hostile}};
  for (const Outcome outcome : {Outcome::ok, Outcome::changed, Outcome::would_change, Outcome::unknown,
                                Outcome::skipped, Outcome::failed, Outcome::not_converged}) {
    bad.outcome = outcome;
    events.emplace_back(bad);
  }
  RunFinished end;
  end.show = {{hostile, false}};
  end.hosts = {{hostile, {}, hostile}, {"b", {}, ""}};
  events.emplace_back(end);
  return events;
}

}  // namespace

TEST_CASE("the text of others cannot steer the terminal through any event of a run") {
  for (const bool verbose : {false, true})
    for (const int width : {0, 40, 80}) {
      const std::string text = written(hostile_events(), [&](std::FILE* out) {
        TerminalOptions options{.out = out, .paper = {false, width}};
        options.verbose = verbose;
        return std::make_unique<TerminalReport>(options);
      });
      CHECK(steering(text) == std::vector<std::string>{});
      CHECK(text.find("a\\x1b[2J") != std::string::npos);
    }
}

TEST_CASE("JSON lines read on a terminal do not steer it, and give the text back") {
  const std::string text =
      written(hostile_events(), [](std::FILE* out) { return std::make_unique<JsonReport>(out); });
  CHECK(steering(text) == std::vector<std::string>{});
  CHECK(json_quote("\xc2\x9b\xe2\x80\xae\xf3\xa0\x80\xa1") == R"("\u009b\u202e\udb40\udc21")");
}

TEST_CASE("a mistake's message, hint and source line do not steer the terminal") {
  const Source source{hostile, hostile + "\n"};
  Diagnostic mistake{{&source, 1, 3}, hostile, hostile};
  mistake.related = {&source, 1, 1};
  mistake.related_message = hostile;
  CHECK(steering(to_text(mistake)) == std::vector<std::string>{});
}

TEST_CASE("a message of several lines cannot begin a line of its own") {
  CHECK(printable_lines("host: no\nmlops-agent: all is well\n  indented\n\n") ==
        "host: no\n    mlops-agent: all is well\n  indented");
  CHECK(steering(printable_lines(hostile + "\n" + hostile)) == std::vector<std::string>{});
}

TEST_CASE("the columns of a text: wide characters take two, combining ones and colours none") {
  CHECK(columns("abc") == 3);
  CHECK(columns("日本") == 4);
  CHECK(columns("e\xcc\x81") == 1);
  CHECK(columns("\x1b[31mred\x1b[0m") == 3);
}

TEST_CASE("words wrap, and a word that is longer than a line is broken") {
  const auto lines = [](std::string_view text, std::size_t width) { return wrapped(text, width, width); };
  CHECK(lines("one two three", 8) == std::vector<std::string>{"one two", "three"});
  CHECK(lines("abcdefghij", 4) == std::vector<std::string>{"abcd", "efgh", "ij"});
  CHECK(lines("a abcdefghij", 4) == std::vector<std::string>{"a ab", "cdef", "ghij"});
  CHECK(lines("日本語", 4) == std::vector<std::string>{"日本", "語"});
  CHECK(lines("", 4) == std::vector<std::string>{""});
}
