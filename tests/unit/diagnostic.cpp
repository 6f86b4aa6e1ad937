#include "model/diagnostic.hpp"

#include <cerrno>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace mlops;

TEST_CASE("a mistake is shown with its line, a caret, the hint and the related place") {
  const Source source{"playbook.json", "{\n  \"nme\": 1\n}\n"};
  const Diagnostic d{
      {&source, 2, 3}, "unknown parameter `nme`", "did you mean `name`?", {&source, 1, 1}, "in here"};
  CHECK(to_text(d) ==
        "playbook.json:2:3: error: unknown parameter `nme`\n"
        "    \"nme\": 1\n"
        "    ^\n"
        "  hint: did you mean `name`?\n"
        "playbook.json:1:1: note: in here\n"
        "  {\n"
        "  ^\n");
}

TEST_CASE("the caret counts code points and keeps tabs") {
  const Source source{"p", "\t\"ä€😀\", x"};
  CHECK(to_text({{&source, 1, 9}, "m", "", {}, {}}) == "p:1:9: error: m\n  \t\"ä€😀\", x\n  \t       ^\n");
}

TEST_CASE("the caret may stand behind the line's end, and carriage returns are no part of it") {
  const Source source{"p", "ab\r\ncd\r\n"};
  CHECK(to_text({{&source, 1, 3}, "m", "", {}, {}}) == "p:1:3: error: m\n  ab\n    ^\n");
  CHECK(to_text({{&source, 9, 7}, "m", "", {}, {}}) == "p:9:7: error: m\n  \n  ^\n");
}

TEST_CASE("a long line is cut around the caret") {
  std::string line;
  for (int i = 0; i < 50; ++i) line += "0123456789";
  const Source source{"p", line};
  const auto cut = [&](std::size_t begin) { return line.substr(begin, 76); };
  CHECK(to_text({{&source, 1, 1}, "m", "", {}, {}}) == "p:1:1: error: m\n  " + cut(0) + "…\n  ^\n");
  CHECK(to_text({{&source, 1, 201}, "m", "", {}, {}}) ==
        "p:1:201: error: m\n  …" + cut(155) + "…\n   " + std::string(45, ' ') + "^\n");
  CHECK(to_text({{&source, 1, 500}, "m", "", {}, {}}) ==
        "p:1:500: error: m\n  …" + cut(424) + "\n   " + std::string(75, ' ') + "^\n");
}

TEST_CASE("what could steer a terminal is replaced") {
  const Source source{"p\x1b", "a\x1b[31m\xff"};
  CHECK(to_text({{&source, 1, 1}, "bad `\x1b\xc2\x9b`", "", {}, {}}) ==
        "p\xef\xbf\xbd:1:1: error: bad `\xef\xbf\xbd\xef\xbf\xbd`\n  a\xef\xbf\xbd[31m\xef\xbf\xbd\n  ^\n");
}

TEST_CASE("a mistake of no line shows none, one of no source no place") {
  const Source source{"vars.json", ""};
  CHECK(to_text({{&source, 0, 0}, "cannot be read", "", {}, {}}) == "vars.json: error: cannot be read\n");
  CHECK(to_text({{}, "nothing to do", "", {}, {}}) == "error: nothing to do\n");
}

TEST_CASE("colours are put around the place, the kind, the caret and the hint") {
  const Source source{"p", "x"};
  CHECK(to_text({{&source, 1, 1}, "m", "h", {}, {}}, true) ==
        "\033[1mp:1:1:\033[0m \033[1;31merror:\033[0m m\n  x\n  \033[1;32m^\033[0m\n  \033[1;36mhint:\033[0m "
        "h\n");
}

TEST_CASE("mistakes are sorted by source, line and column, and shown once") {
  const Source first{"z.json", ""}, second{"a.json", ""};
  Diagnostics list;
  list.add({&first, 2, 1}, "late");
  list.add({&second, 1, 1}, "other");
  list.add({&first, 1, 5}, "b");
  list.add({&first, 1, 5}, "a");
  list.add({&first, 1, 5}, "b");
  list.add({&first, 1, 2}, "early");
  list.sort();
  std::string order;
  for (const auto& d : list.list()) order += d.message + " ";
  CHECK(order == "early b a late other ");
}

TEST_CASE("an error says what was being done, outermost first") {
  Error error("no such user", ErrorKind::unavailable);
  error.while_doing("while reading the owner")
      .while_doing("while inspecting file[motd]")
      .with_output("last line");
  CHECK(std::string(error.what()) == "while inspecting file[motd]: while reading the owner: no such user");
  CHECK(error.message() == "no such user");
  CHECK(error.kind() == ErrorKind::unavailable);
  CHECK(error.trace() == std::vector<std::string>{"while reading the owner", "while inspecting file[motd]"});
  CHECK(error.output() == "last line");
}

TEST_CASE("errors of the system say its words, and know a denial") {
  CHECK(std::string(system_error("cannot open /x", ENOENT).what()) ==
        "cannot open /x: No such file or directory");
  CHECK(system_error("x", ENOENT).kind() == ErrorKind::other);
  CHECK(system_error("x", EACCES).kind() == ErrorKind::denied);
  CHECK(system_error("x", EPERM).kind() == ErrorKind::denied);
}
