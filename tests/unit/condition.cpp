#include "playbook/condition.hpp"

#include "support/catch.hpp"
#include "support/tree_scope.hpp"

using namespace mlops;
using test::Texts;
using test::TreeScope;

namespace {

struct Judging {
  Texts texts;
  TreeScope scope{texts(R"({"facts": {"os": {"id": "debian", "version": "12"}, "memory": {"bytes": 4000000000},
                                      "container": true, "name": "Debian GNU/Linux"},
                            "vars": {"wanted": "debian", "many": ["ubuntu", "debian"], "ids": ["x"], "load": 1.5},
                            "item": "one"})")};
  // "" when it matches.
  std::string reason(const std::string& json) {
    const Verdict verdict = evaluate(texts(json), scope);
    CHECK(verdict.matches == verdict.reason.empty());
    return verdict.reason;
  }
  std::string error(const std::string& json) {
    try {
      evaluate(texts(json), scope);
    } catch (const InterpolationError& e) {
      return e.diagnostic.message;
    }
    return "";
  }
};

}  // namespace

TEST_CASE("a condition matches, or says why not") {
  struct Row {
    const char *when, *reason;
  };
  const auto row = GENERATE(
      Row{R"({})", ""},  //
      Row{R"({"facts.os.id": "debian"})", ""},
      Row{R"({"facts.os.id": "ubuntu"})", "facts.os.id is debian, expected ubuntu"},
      Row{R"({"facts.os.id": ["ubuntu", "debian"]})", ""},
      Row{R"({"facts.os.id": ["ubuntu", "fedora", "arch"]})",
          "facts.os.id is debian, expected ubuntu, fedora or arch"},
      Row{R"({"facts.os.id": ["ubuntu"]})", "facts.os.id is debian, expected ubuntu"},
      Row{R"({"facts.os.id": "debian", "facts.container": false})", "facts.container is true, expected false"},
      Row{R"({"facts.container": true})", ""},
      Row{R"({"facts.os.version": 12})", "facts.os.version is \"12\", expected 12"},
      Row{R"({"item": "one"})", ""}, Row{R"({"facts.memory.bytes": {"at_least": 4e9}})", ""},
      Row{R"({"facts.memory.bytes": {"at_least": 8000000000}})",
          "facts.memory.bytes is 4000000000, expected at least 8000000000"},
      Row{R"({"facts.memory.bytes": {"below": 4000000000}})",
          "facts.memory.bytes is 4000000000, expected below 4000000000"},
      Row{R"({"facts.memory.bytes": {"at_least": 1, "below": 5e9}})", ""},
      Row{R"({"vars.load": {"below": 2}})", ""}, Row{R"({"facts.os.version": {"at_least": "9"}})", ""},
      Row{R"({"facts.os.version": {"at_least": "12.04"}})", "facts.os.version is 12, expected at least 12.04"},
      Row{R"({"facts.os.version": {"below": 13}})", ""}, Row{R"({"facts.os.id": {"not": "ubuntu"}})", ""},
      Row{R"({"facts.os.id": {"not": "debian"}})", "facts.os.id is debian, expected anything else"},
      Row{R"({"facts.os.id": {"not": ["ubuntu", "debian"]}})",
          "facts.os.id is debian, expected none of ubuntu or debian"},
      Row{R"({"facts.name": {"matches": "^Debian"}})", ""},
      Row{R"({"facts.name": {"matches": "^GNU"}})", "facts.name is Debian GNU/Linux, expected a match of ^GNU"},
      Row{R"({"facts.os.id": {"exists": true}})", ""},
      Row{R"({"vars.none": {"exists": true}})", "vars.none does not exist"},
      Row{R"({"vars.none": {"exists": false}})", ""},
      Row{R"({"facts.os.id": {"exists": false}})", "facts.os.id exists"},
      Row{R"({"facts.os.id": {"exists": true, "not": "debian"}})",
          "facts.os.id is debian, expected anything else"},
      Row{R"({"facts.os.id": "{{vars.wanted}}"})", ""}, Row{R"({"facts.os.id": "{{vars.many}}"})", ""},
      Row{R"({"facts.os.id": "{{vars.ids}}"})", "facts.os.id is debian, expected x"},
      Row{R"({"any": [{"facts.os.id": "ubuntu"}, {"facts.container": true}]})", ""},
      Row{R"({"any": [{"facts.os.id": "ubuntu"}, {"facts.container": false}]})",
          "facts.os.id is debian, expected ubuntu; facts.container is true, expected false"},
      Row{R"({"all": [{"facts.os.id": "debian"}, {"facts.container": false}]})",
          "facts.container is true, expected false"},
      Row{R"({"none": [{"facts.os.id": "ubuntu"}]})", ""},
      Row{R"({"none": [{"facts.os.id": "ubuntu"}, {"facts.os.id": "debian"}]})",
          R"(a condition of `none` matches: {"facts.os.id":"debian"})"},
      Row{R"({"any": [{"all": [{"facts.os.id": "debian"}, {"item": "one"}]}]})", ""});
  CAPTURE(row.when);
  Judging j;
  CHECK(j.reason(row.when) == row.reason);
}

TEST_CASE("a skipped resource does not exist for a condition") {
  Judging j;
  j.scope.skipped = "r";
  CHECK(j.reason(R"({"resources.r.out": {"exists": false}})") == "");
  CHECK_THROWS_AS(j.reason(R"({"resources.r.out": "x"})"), SkippedReference);
}

TEST_CASE("a condition on what is not there, or on another kind of value, is an error") {
  Judging j;
  CHECK(j.error(R"({"facts.os.idd": "x"})") == "there is no `facts.os.idd`");
  CHECK(j.error(R"({"facts.container": {"below": 3}})") ==
        "facts.container is true or false, which `below` cannot compare with an integer");
  CHECK(j.error(R"({"facts.container": {"matches": "x"}})") ==
        "facts.container is true or false, `matches` needs a text of at most 65536 bytes");
}

TEST_CASE("every mistake in the form of a condition is reported") {
  Texts texts;
  Diagnostics diagnostics;
  check_condition(texts(R"({
  "facts.os.id": {"is": "debian"},
  "facts.a": {"at_lest": 3},
  "facts..b": 1,
  "facts.c": [],
  "facts.d": [["x"]],
  "facts.e": {"matches": "("},
  "facts.f": {"matches": 1},
  "facts.g": {"exists": "yes"},
  "facts.h": {"below": true},
  "facts.i": {"not": {"below": 3}},
  "facts.j": {},
  "any": [],
  "all": {"facts.k": 1},
  "none": ["x"]
})"),
                  diagnostics);
  CHECK(test::all_text(diagnostics) ==
        R"(test.json:2:19: error: unknown operator `is`
    "facts.os.id": {"is": "debian"},
                    ^
  hint: the operators are at_least, below, not, matches, exists
test.json:3:15: error: unknown operator `at_lest`
    "facts.a": {"at_lest": 3},
                ^
  hint: did you mean `at_least`?
test.json:4:3: error: `facts..b` is no path: expected a name, found `.`
    "facts..b": 1,
    ^
  hint: a path is such as `facts.os.id`; groups are any, all, none
test.json:5:14: error: an empty list is never matched
    "facts.c": [],
               ^
test.json:6:15: error: the expected value is a list of plain values, found a list
    "facts.d": [["x"]],
                ^
test.json:7:26: error: `(` is no regular expression: a `(` without `)`
    "facts.e": {"matches": "("},
                           ^
  hint: they are as RE2 has them: without look-around and back references
test.json:8:26: error: `matches` wants a regular expression, found an integer
    "facts.f": {"matches": 1},
                           ^
test.json:9:25: error: `exists` is true or false, found a text
    "facts.g": {"exists": "yes"},
                          ^
test.json:10:24: error: `below` wants a number or the text of a version, found true or false
    "facts.h": {"below": true},
                         ^
test.json:11:22: error: `not` is a value or a list of values, found an object
    "facts.i": {"not": {"below": 3}},
                       ^
test.json:12:14: error: no operator is given
    "facts.j": {},
               ^
test.json:13:10: error: `any` wants a list of conditions
    "any": [],
           ^
test.json:14:10: error: `all` wants a list of conditions
    "all": {"facts.k": 1},
           ^
test.json:15:12: error: a condition is an object, found a text
    "none": ["x"]
             ^
  hint: write {"facts.os.id": "debian"}
)");
}

TEST_CASE("a key of a condition that is written like an expression says how a match is written") {
  struct Row {
    const char *when, *mistake;
  };
  const auto row = GENERATE(Row{R"({"facts.os.id == debian": true})",
                                "`facts.os.id == debian` is no path: expected `.` or `[`, found ` ` | "
                                R"(write {"facts.os.id": "debian"})"},
                            Row{R"({"facts.os.id != debian": true})",
                                "`facts.os.id != debian` is no path: expected `.` or `[`, found ` ` | "
                                R"(write {"facts.os.id": {"not": "debian"}})"},
                            Row{R"({"facts.memory.bytes > 3": true})",
                                "`facts.memory.bytes > 3` is no path: expected `.` or `[`, found ` ` | "
                                R"(write {"facts.memory.bytes": {"at_least": 8e9}} or {"below": 8e9})"},
                            Row{R"({"{{vars.x}}": true})",
                                "`{{vars.x}}` is no path: expected a name, found `{` | "
                                R"(a key is a path without braces: {"facts.os.id": "debian"})"},
                            Row{R"({"vars.x.": true})",
                                "`vars.x.` is no path: expected a name, found the end of the text | "
                                "a path is such as `facts.os.id`; groups are any, all, none"});
  CAPTURE(row.when);
  Judging j;
  Diagnostics diagnostics;
  check_condition(j.texts(row.when), diagnostics);
  REQUIRE(diagnostics.size() == 1);
  const Diagnostic& d = diagnostics.list().front();
  CHECK(d.message + " | " + d.hint == row.mistake);
  CHECK(d.where.column == 2);
}

TEST_CASE("a condition with a mistake of form is an error wherever it is evaluated, never a crash") {
  const auto when =
      GENERATE(R"({"facts.os.id == debian": true})", R"({"facts..id": true})", R"({"{{vars.x}}": true})",
               R"({"any": 1})", R"({"all": ["x"]})", R"({"none": []})", "3", R"(["x"])",
               R"({"facts.os.id": {}})", R"({"facts.os.id": {"matches": 1}})",
               R"({"facts.os.id": {"matches": "{{vars.load}}"}})", R"({"facts.os.id": {"matches": "("}})");
  CAPTURE(when);
  Judging j;
  CHECK(j.error(when) != "");
}

TEST_CASE("the paths of a condition are its references") {
  Texts texts;
  Diagnostics diagnostics;
  const auto list = condition_references(
      texts(R"({"any": [{"facts.os.id": "{{vars.x}}"}], "vars.y": {"exists": true}})"), diagnostics);
  REQUIRE(list.size() == 3);
  CHECK(list[0].path == std::vector<std::string>{"facts", "os", "id"});
  CHECK(list[0].where.column == 11);
  CHECK(list[1].path == std::vector<std::string>{"vars", "x"});
  CHECK(list[2].path == std::vector<std::string>{"vars", "y"});
  CHECK(list[2].has_default);
  CHECK(diagnostics.empty());
}
