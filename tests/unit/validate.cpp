// `validate` as users call it: its output, as text and as JSON, and its exit status.
#include <sys/wait.h>

#include <cstdio>

#include "support/catch.hpp"
#include "support/site.hpp"

using mlops::test::Site;

namespace {

struct Called {
  int status = -1;
  std::string out;  // stdout and stderr
};

Called call(const std::string& arguments) {
  Called called;
  FILE* pipe = ::popen((std::string(AGENT) + " validate " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  char buffer[4096];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    called.out.append(buffer, size);
  const int status = ::pclose(pipe);
  called.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return called;
}

}  // namespace

TEST_CASE("validate says ok of each file that is right") {
  Site site;
  const std::string one = site.write("one.json", R"({"resources": []})");
  const std::string two = site.write("two.json", R"({"vars": {"x": "/a"}, "resources": []})");
  const Called called = call(one + " " + two);
  CHECK(called.status == 0);
  CHECK(called.out == one + ": ok\n" + two + ": ok\n");
}

TEST_CASE("validate shows the mistakes of all files and exits with 3") {
  Site site;
  const std::string one = site.write("one.json", R"({"resources": [{"type": "fiel"}]})");
  const std::string two = site.write("two.json", R"({"name": 3})");
  const Called called = call(one + " " + two);
  CHECK(called.status == 3);
  CHECK(called.out == one + R"(:1:25: error: unknown type `fiel`
  {"resources": [{"type": "fiel"}]}
                          ^
  hint: did you mean `file`?
)" + one + ": 1 mistake\n" +
                          two + R"(:1:1: error: `resources` is missing
  {"name": 3}
  ^
  hint: or `plays`, where there are several
)" + two + R"(:1:10: error: `name` must be a text, found an integer
  {"name": 3}
           ^
)" + two + ": 2 mistakes\n");
}

TEST_CASE("validate takes vars as a run does") {
  Site site;
  const std::string file = site.write("one.json", R"({"vars": {"n": 1}, "resources": []})");
  const std::string vars = site.write("vars.json", R"({"n": 2})");
  CHECK(call("--set n=3 --vars " + vars + " " + file).status == 0);
  const Called called = call("--set n=x " + file);
  CHECK(called.status == 3);
  CHECK(called.out.find("--set:1:3: error: `n` must be an integer as its default is, found `x`\n") == 0);
}

TEST_CASE("validate --json prints an object a line") {
  Site site;
  const std::string file = site.write("one.json", R"({"name": 3, "resources": []})");
  const Called called = call("--json " + file);
  CHECK(called.status == 3);
  std::string out = called.out;
  for (std::size_t at = out.find("\"time\":\""); at != std::string::npos; at = out.find("\"time\":\"", at + 1))
    out.erase(at + 8, 24);
  CHECK(out ==
        R"({"event":"mistake","time":"","file":")" + file +
            R"(","line":1,"column":10,"message":"`name` must be a text, found an integer","hint":null,)" +
            R"("related":null})" + "\n" + R"({"event":"validated","time":"","file":")" + file +
            R"(","ok":false,"mistakes":1})" + "\n");
}
