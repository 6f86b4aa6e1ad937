#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

Error error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  } catch (const std::exception& e) {
    return Error(std::string("mistake: ") + e.what());
  }
  return Error("(no error)");
}

std::string verify(const std::string& parameters, const CommandResult& answer) {
  FakeMachine machine;
  machine.c.answers[{"tool"}] = answer;
  return error_of([&] {
           const auto tried = try_module("verify", "{\"argv\": [\"tool\"]" + parameters + "}", machine);
           CHECK(tried.diff.empty());
         })
      .message();
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// A program that answers well only at the n-th call.
struct Late : CommandReader {
  int good_at = 0;
  bool absent_before = false;
  mutable int calls = 0, sleeps = 0;
  CommandResult run(const Command& c) const override {
    if (c.argv[0] == "sleep") {
      CHECK(c.argv[1] == "1.500");
      ++sleeps;
      return {};
    }
    if (++calls >= good_at) return {.output = "ready\n"};
    if (absent_before) throw Error("cannot start `tool`: no such program in PATH");
    return {.status = 1};
  }
};
struct LateMachine : FakeMachine {
  Late late;
  const CommandReader& commands() const override { return late; }
};

}  // namespace

TEST_CASE("verify: the exit status is compared") {
  CHECK(verify("", {.status = 0}) == "(no error)");
  CHECK(verify("", {.status = 127}) == "expected status 0, found 127");
  CHECK(verify(R"(, "status": 1)", {.status = 1}) == "(no error)");
  CHECK(verify(R"(, "status": 1)", {.status = 0}) == "expected status 1, found 0");
}

TEST_CASE("verify: each text must be in the output or in the errors") {
  CHECK(verify(R"(, "contains": "v2.")", {.output = "Compose v2.23\n"}) == "(no error)");
  CHECK(verify(R"(, "contains": ["v2", "17"])", {.output = "v2\n", .errors = "17\n"}) == "(no error)");
  CHECK(verify(R"(, "contains": "v2.")", {.output = "Compose v1.29\n"}) ==
        "expected output that contains `v2.`, found `Compose v1.29`");
  CHECK(verify(R"(, "contains": "x")", {}) == "expected output that contains `x`, found nothing");
  CHECK(verify(R"(, "contains": "x")", {.output = "a\nb\n"}) ==
        "expected output that contains `x`, found 2 lines");
  CHECK(verify(R"(, "contains": "x")", {.errors = "warning\n"}) ==
        "expected output that contains `x`, found `warning`");
}

TEST_CASE("verify: a line must match the expression") {
  CHECK(verify(R"(, "matches": "^v[0-9]+\\.[0-9]+$")", {.output = "name\nv2.23\nend\n"}) == "(no error)");
  CHECK(verify(R"(, "matches": "^v[0-9]+$")", {.output = "v2.23\n"}) ==
        "expected a line that matches `^v[0-9]+$`, found `v2.23`");
  CHECK(verify(R"(, "matches": "a.*b")", {.output = "a\nb\n"}) ==
        "expected a line that matches `a.*b`, found 2 lines");
}

TEST_CASE("verify: a very long line does not overthrow the expression") {
  CHECK(verify(R"(, "matches": "(x|y)*z")", {.output = std::string(1'000'000, 'x')}) ==
        "expected a line that matches `(x|y)*z`, found a line of 1000000 bytes");
}

TEST_CASE("verify: no end in time is a mismatch, and the end of the output is shown") {
  CHECK(verify(R"(, "timeout": "5s")", {.status = 124, .timed_out = true}) ==
        "expected an end within 5 s, found none");
  FakeMachine machine;
  machine.c.answers[{"tool"}] = {.status = 2, .output = "one\n", .errors = "two\n"};
  const Error e = error_of([&] { try_module("verify", R"({"argv": ["tool"]})", machine); });
  CHECK(e.output() == "one\ntwo");
}

TEST_CASE("verify: it is tried again up to `times`, with a wait between") {
  LateMachine machine;
  machine.late.good_at = 3;
  try_module("verify", R"({"argv": ["tool"], "times": 5, "every": "1500ms"})", machine);
  CHECK(machine.late.calls == 3);
  CHECK(machine.late.sleeps == 2);

  LateMachine never;
  never.late.good_at = 100;
  CHECK(error_of([&] {
          try_module("verify", R"({"argv": ["tool"], "times": 3, "every": "1500ms"})", never);
        }).message() == "expected status 0, found 1 (3 tries)");
  CHECK(never.late.calls == 3);
  CHECK(never.late.sleeps == 2);
}

TEST_CASE("verify: a program that is not there yet is tried again too") {
  LateMachine machine;
  machine.late.good_at = 2;
  machine.late.absent_before = true;
  try_module("verify", R"({"argv": ["tool"], "times": 2, "every": "1500ms"})", machine);
  CHECK(machine.late.calls == 2);
  LateMachine never;
  never.late.good_at = 9;
  never.late.absent_before = true;
  CHECK(error_of([&] { try_module("verify", R"({"argv": ["tool"]})", never); }).message() ==
        "cannot start `tool`: no such program in PATH");
}

TEST_CASE("verify: an interruption is not tried again") {
  struct Interrupted : CommandReader {
    mutable int calls = 0;
    CommandResult run(const Command&) const override {
      ++calls;
      throw Error("interrupted", ErrorKind::cancelled);
    }
  };
  struct InterruptedMachine : FakeMachine {
    Interrupted reader;
    const CommandReader& commands() const override { return reader; }
  } machine;
  CHECK(error_of([&] { try_module("verify", R"({"argv": ["tool"], "times": 9})", machine); }).kind() ==
        ErrorKind::cancelled);
  CHECK(machine.reader.calls == 1);
}

TEST_CASE("verify: the program gets what was asked for, with the default time") {
  FakeMachine machine;
  machine.c.answers[{"/bin/sh", "-c", "a | b"}] = {.output = "42\n"};
  const auto tried =
      try_module("verify", R"({"shell": "a | b", "cwd": "~", "env": {"A": "1"}, "stdin": "in"})", machine);
  REQUIRE(machine.c.asked.size() == 1);
  CHECK(machine.c.asked[0].cwd == "/home/ubuntu");
  CHECK(machine.c.asked[0].env.at("A") == "1");
  CHECK(machine.c.asked[0].input == "in");
  CHECK(machine.c.asked[0].timeout_ms == 30000);
  const Module& module = *find_module("verify");
  CHECK(to_json(module.outputs(tried.desired, tried.current).values) == R"({"output":"42"})");
  CHECK(module.verification);
  CHECK(module.opaque);
  CHECK_FALSE(module.notifiable);
  CHECK(module.actor(tried.desired).kind == Actor::Kind::person);
}

TEST_CASE("verify: mistakes are reported at their place") {
  const auto mistake = [](const std::string& json) {
    return first_line(error_of([&] { try_module("verify", json, FakeMachine()); }).message());
  };
  CHECK(mistake(R"({"argv": ["x"], "matches": "a("})")
            .find("mistake: test.json:1:28: error: `a(` is no regular expression: a `(` without `)`") == 0);
  const auto whole = [](const std::string& json) {
    return error_of([&] { try_module("verify", json, FakeMachine()); }).message();
  };
  CHECK(whole(R"({"argv": "docker ps"})")
            .find(R"(hint: write ["docker", "ps"]; a text for the shell is given as `shell`)") !=
        std::string::npos);
  CHECK(whole(R"({"argv": "a | b"})").find("hint: a text for the shell is given as `shell`") !=
        std::string::npos);
  CHECK(mistake(R"({"argv": ["x"], "times": 0})") ==
        "mistake: test.json:1:26: error: it must be tried at least once");
  CHECK(mistake(R"({"argv": ["x"], "status": -1})") ==
        "mistake: test.json:1:27: error: -1 is no exit status (0 to 255)");
  CHECK(mistake(R"({"contains": "x"})") ==
        "mistake: test.json:1:1: error: nothing to run: neither `argv` nor `shell` is given");
  CHECK(mistake(R"({"argv": ["x"], "shell": "y"})") ==
        "mistake: test.json:1:26: error: `argv` and `shell` exclude each other");
}

TEST_CASE("verify: ~/ at the beginning of an argument is the person's home") {
  FakeMachine machine;
  machine.c.answers[{"/home/ubuntu/tool", "--of", "/home/ubuntu/x"}] = {.status = 0};
  CHECK_NOTHROW(try_module("verify", R"({"argv": ["~/tool", "--of", "~/x"]})", machine));
}
