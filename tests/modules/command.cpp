#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "(no error)";
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// "creates:/x runs:make x" and the like; "" when nothing is to be done.
std::string in_a_line(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes)
    text += (text.empty() ? "" : " ") + c.property + ":" + c.after.to_text() + (c.is_event() ? "" : "!");
  CHECK(diff.actions.size() == (diff.changes.empty() ? 0 : 1));
  return text;
}

struct Guards {
  FakeMachine machine;
  Guards() {
    machine.c.answers[{"yes"}] = {.status = 0};
    machine.c.answers[{"no"}] = {.status = 1};
    machine.f.file("/there", "");
  }
  std::string diff(const std::string& parameters, bool notified = false) {
    return in_a_line(
        try_module("command", "{\"argv\": [\"make\", \"a b\"]" + parameters + "}", machine, notified).diff);
  }
};

}  // namespace

TEST_CASE("command: each guard alone decides whether it runs") {
  Guards g;
  CHECK(g.diff(R"(, "always": true)") == "always runs:make 'a b'");
  CHECK(g.diff(R"(, "creates": "/there")") == "");
  CHECK(g.diff(R"(, "creates": "/missing")") == "creates:/missing! runs:make 'a b'");
  CHECK(g.diff(R"(, "creates": ["/there", "/m1", "/m2"])") == "creates:/m1! creates:/m2! runs:make 'a b'");
  CHECK(g.diff(R"(, "unless": ["yes"])") == "");
  CHECK(g.diff(R"(, "unless": ["no"])") == "runs:make 'a b'");
  CHECK(g.diff(R"(, "only_if": ["yes"])") == "runs:make 'a b'");
  CHECK(g.diff(R"(, "only_if": ["no"])") == "");
  CHECK(g.diff(R"(, "only_when_notified": true)") == "");
  CHECK(g.diff(R"(, "only_when_notified": true)", true) == "runs:make 'a b'");
}

TEST_CASE("command: it runs when all its guards ask for it") {
  const char* creates[] = {"", R"(, "creates": "/missing")", R"(, "creates": "/there")"};
  const char* unless[] = {"", R"(, "unless": ["no"])", R"(, "unless": ["yes"])"};
  const char* only_if[] = {"", R"(, "only_if": ["yes"])", R"(, "only_if": ["no"])"};
  Guards g;
  for (int c = 0; c < 3; ++c)
    for (int u = 0; u < 3; ++u)
      for (int o = 0; o < 3; ++o)
        for (const bool notified : {false, true}) {
          CAPTURE(c, u, o, notified);
          const std::string all =
              std::string(creates[c]) + unless[u] + only_if[o] + R"(, "only_when_notified": true)";
          const bool runs = c != 2 && u != 2 && o != 2 && notified;
          CHECK(g.diff(all, notified).empty() != runs);
        }
}

TEST_CASE(
    "command: a notification alone does not run a command with other guards but without only_when_notified") {
  Guards g;
  CHECK(g.diff(R"(, "creates": "/there")", true) == "");
}

TEST_CASE("command: a guard is not run when an earlier one has decided") {
  Guards g;
  g.diff(R"(, "creates": "/there", "unless": ["no"])");
  CHECK(g.machine.c.asked.empty());
  g.diff(R"(, "only_if": ["no"], "unless": ["no"])");
  CHECK(g.machine.c.asked.size() == 1);
}

TEST_CASE("command: guards share its folder, environment and time, and may be texts for the shell") {
  Guards g;
  g.machine.c.answers[{"/bin/sh", "-c", "test -e x && true"}] = {.status = 0};
  CHECK(g.diff(R"(, "unless": "test -e x && true", "cwd": "/srv", "env": {"A": "1"}, "timeout": "5s")") == "");
  REQUIRE(g.machine.c.asked.size() == 1);
  CHECK(g.machine.c.asked[0].cwd == "/srv");
  CHECK(g.machine.c.asked[0].env == std::map<std::string, std::string>{{"A", "1"}});
  CHECK(g.machine.c.asked[0].timeout_ms == 5000);
  g.diff(R"(, "unless": ["yes"])");
  CHECK(g.machine.c.asked[1].timeout_ms == 60000);
}

TEST_CASE("command: a guard that does not end or cannot start is an error") {
  Guards g;
  g.machine.c.answers[{"hangs"}] = {.status = 124, .timed_out = true};
  CHECK(message_of([&] { g.diff(R"(, "unless": ["hangs"])"); }) ==
        "the guard `unless` (`hangs`) did not end within 1 min");
  CHECK(message_of([&] { g.diff(R"(, "only_if": ["gone"])"); }) == "cannot start gone: no such program");
}

TEST_CASE("command: the action says all that a machine must know") {
  const auto tried =
      try_module("command", R"({"argv": ["tool", "x"], "creates": "/out", "cwd": "~/w", "env": {"K": "v"},
    "stdin": "hello", "timeout": "2m", "ok_status": [0, 3]})",
                 FakeMachine());
  const auto* run = action<RunCommand>(tried.diff, 0);
  REQUIRE(run);
  CHECK(run->command.argv == std::vector<std::string>{"tool", "x"});
  CHECK(run->command.cwd == "/home/ubuntu/w");
  CHECK(run->command.env.at("K") == "v");
  CHECK(run->command.input == "hello");
  CHECK(run->command.timeout_ms == 120000);
  CHECK(run->command.path.empty());
  CHECK(run->ok_status == std::vector<int>{0, 3});
  CHECK(run->creates == std::vector<std::string>{"/out"});
  CHECK_FALSE(run->bounded);
}

TEST_CASE("command: without options the action has the defaults") {
  const auto tried = try_module("command", R"({"shell": "a | b", "always": true})", FakeMachine());
  const auto* run = action<RunCommand>(tried.diff, 0);
  REQUIRE(run);
  CHECK(run->command.argv == std::vector<std::string>{"/bin/sh", "-c", "a | b"});
  CHECK(run->command.cwd.empty());
  CHECK_FALSE(run->command.input);
  CHECK(run->command.timeout_ms == 0);
  CHECK(run->ok_status == std::vector<int>{0});
  CHECK(in_a_line(tried.diff) == "always runs:a | b");
}

TEST_CASE("command: changes bound what it may do") {
  const auto none = try_module("command", R"({"argv": ["x"], "always": true, "changes": []})", FakeMachine());
  REQUIRE(action<RunCommand>(none.diff, 0));
  CHECK(action<RunCommand>(none.diff, 0)->bounded);
  CHECK(action<RunCommand>(none.diff, 0)->creates.empty());
  const auto some = try_module(
      "command", R"({"argv": ["x"], "creates": "/a", "changes": ["/b"], "ok_status": 2})", FakeMachine());
  const auto* run = action<RunCommand>(some.diff, 0);
  REQUIRE(run);
  CHECK(run->bounded);
  CHECK(run->creates == std::vector<std::string>{"/a", "/b"});
  CHECK(run->ok_status == std::vector<int>{2});
  const Claims claims = find_module("command")->claims(some.desired);
  REQUIRE(claims.size() == 2);
  CHECK(claims[0].key == "/a");
  CHECK(claims[1].key == "/b");
  CHECK(claims[0].access == Claim::Access::edits);
}

TEST_CASE("command: mistakes are reported at their place") {
  const auto mistake = [](const std::string& json) {
    return message_of([&] { try_module("command", json, FakeMachine()); });
  };
  const std::string unguarded = mistake(R"({"argv": ["x"]})");
  CHECK(first_line(unguarded) == "test.json:1:1: error: nothing says when this command is needed");
  CHECK(
      unguarded.find("give `creates`, `unless`, `only_if` or `only_when_notified`, or say \"always\": true") !=
      std::string::npos);
  CHECK(first_line(mistake(R"({"argv": ["x"], "creates": []})")) ==
        "test.json:1:1: error: nothing says when this command is needed");
  CHECK(first_line(mistake(R"({"argv": ["x"], "always": true, "unless": ["y"]})")) ==
        "test.json:1:27: error: `always` and a guard exclude each other");
  CHECK(first_line(mistake(R"({"always": true})")) ==
        "test.json:1:1: error: nothing to run: neither `argv` nor `shell` is given");
  CHECK(first_line(mistake(R"({"argv": ["x"], "shell": "y", "always": true})")) ==
        "test.json:1:26: error: `argv` and `shell` exclude each other");
  CHECK(first_line(mistake(R"({"argv": [], "always": true})")) ==
        "test.json:1:10: error: it needs the name of a program");
  CHECK(first_line(mistake(R"({"argv": ["x"], "unless": []})")) ==
        "test.json:1:27: error: the list is empty: it needs the name of a program");
  CHECK(first_line(mistake(R"({"argv": ["x"], "unless": 5})")) ==
        "test.json:1:27: error: expected a list of texts, or a text for the shell, found an integer");
  CHECK(first_line(mistake(R"({"argv": ["x"], "always": true, "ok_status": 256})")) ==
        "test.json:1:46: error: 256 is no exit status (0 to 255)");
}

TEST_CASE("command: it is the person's, opaque, and can be notified") {
  const Module& module = *find_module("command");
  const auto tried = try_module("command", R"({"argv": ["x"], "always": true})", FakeMachine());
  CHECK(module.actor(tried.desired).kind == Actor::Kind::person);
  CHECK(module.opaque);
  CHECK(module.notifiable);
}

TEST_CASE("command: ~/ at the beginning of an argument, a guard's too, and of `creates` is the person's home") {
  FakeMachine machine;
  machine.c.answers[{"/home/ubuntu/bin/ask", "a~/b"}] = {.status = 1};
  const Tried t =
      try_module("command", R"({"argv": ["~/bin/make", "~/x", "--to=~/y", "~z", "~"], "creates": ["~/made"],
    "unless": ["~/bin/ask", "a~/b"], "cwd": "~/src"})",
                 machine);
  const auto* run = action<RunCommand>(t.diff, 0);
  REQUIRE(run);
  CHECK(run->command.argv ==
        std::vector<std::string>{"/home/ubuntu/bin/make", "/home/ubuntu/x", "--to=~/y", "~z", "~"});
  CHECK(run->creates == std::vector<std::string>{"/home/ubuntu/made"});
  CHECK(run->command.cwd == "/home/ubuntu/src");
  CHECK(machine.c.asked.front().cwd == "/home/ubuntu/src");
}

TEST_CASE(
    "command: a program that is not there is an error before it would run, and no matter where it would not") {
  struct NoProgram : FakeCommands {
    std::optional<Error> cannot_start(const Command& c) const override { return Error("no " + c.argv[0]); }
  };
  struct World : FakeMachine {
    NoProgram none;
    const CommandReader& commands() const override { return none; }
  } machine;
  machine.f.file("/there", "");
  const auto tried = [&](const std::string& more) {
    return message_of([&] { try_module("command", R"({"argv": ["make"])" + more + "}", machine); });
  };
  CHECK(tried(R"(, "always": true)") == "no make");
  CHECK(tried(R"(, "creates": "/there")") == "(no error)");
  CHECK(tried(R"(, "only_when_notified": true)") == "(no error)");
}
