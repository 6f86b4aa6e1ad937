#include "domains/commands/local.hpp"

#include "base/command_line.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

const ActingUser user{"ubuntu", "/", "/bin/sh", 1000, 1000};

struct Made {
  Cancellation cancellation;
  std::vector<std::string> doing, removed;
  LocalCommands commands{user, cancellation, [this](const Progress& p) { doing.push_back(p.doing); },
                         [this](const std::string& path) { removed.push_back(path); }};
};

RunCommand shell(const std::string& text) { return {.command = {.argv = {"/bin/sh", "-c", text}}}; }

Error error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  return Error("(no error)");
}

}  // namespace

TEST_CASE("a command that ends as expected removes nothing and says what it was doing") {
  Made m;
  RunCommand action = shell("true");
  action.remove_on_failure = "/x";
  m.commands.perform(action);
  action.doing = "cloning https://example.test/x";
  m.commands.perform(action);
  CHECK(m.removed.empty());
  CHECK(m.doing == std::vector<std::string>{"running /bin/sh -c true", "cloning https://example.test/x"});
}

TEST_CASE("another status is an error with the last lines of both outputs, and what it left is removed") {
  Made m;
  RunCommand action = shell("seq 1 30; echo last >&2; exit 128");
  action.remove_on_failure = "/tmp/half";
  const Error e = error_of([&] { m.commands.perform(action); });
  CHECK(std::string(e.what()) == "`/bin/sh -c 'seq 1 30; echo last >&2; exit 128'` ended with status 128");
  CHECK(e.output() == "12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n22\n23\n24\n25\n26\n27\n28\n29\n30\nlast");
  CHECK(m.removed == std::vector<std::string>{"/tmp/half"});
}

TEST_CASE("ok_status decides which statuses are good") {
  Made m;
  RunCommand action = shell("exit 5");
  action.ok_status = {0, 5};
  CHECK_NOTHROW(m.commands.perform(action));
  action.ok_status = {5};
  CHECK_NOTHROW(m.commands.perform(action));
  RunCommand good = shell("exit 0");
  good.ok_status = {5};
  CHECK(error_of([&] { m.commands.perform(good); }).message() == "`/bin/sh -c 'exit 0'` ended with status 0");
}

TEST_CASE("the end by a signal is named") {
  Made m;
  CHECK(error_of([&] { m.commands.perform(shell("kill -9 $$")); }).message() ==
        "`/bin/sh -c 'kill -9 $$'` was ended by signal 9");
}

TEST_CASE("a command whose time is up is an error with what it printed") {
  Made m;
  RunCommand action = shell("echo begun; exec sleep 1000");
  action.command.timeout_ms = 200;
  const Error e = error_of([&] { m.commands.perform(action); });
  CHECK(e.message() == "`/bin/sh -c 'echo begun; exec sleep 1000'` did not end within 200 ms");
  CHECK(e.output() == "begun");
}

TEST_CASE("what a stopped command left is removed too") {
  Made m;
  m.cancellation.cancel();
  RunCommand action = shell("true");
  action.remove_on_failure = "/tmp/half";
  CHECK(error_of([&] { m.commands.perform(action); }).kind() == ErrorKind::cancelled);
  CHECK(m.removed == std::vector<std::string>{"/tmp/half"});
}

TEST_CASE("what cannot be removed is said beside the cause") {
  Cancellation cancellation;
  const LocalCommands commands(user, cancellation, {}, [](const std::string&) { throw Error("it is busy"); });
  RunCommand action = shell("exit 1");
  action.remove_on_failure = "/mnt/x";
  const Error e = error_of([&] { commands.perform(action); });
  CHECK(std::string(e.what()) ==
        "/mnt/x is left behind incomplete (it is busy): `/bin/sh -c 'exit 1'` ended with status 1");
  CHECK(e.message() == "`/bin/sh -c 'exit 1'` ended with status 1");
}

TEST_CASE("run() answers with any status") {
  Made m;
  const CommandResult r = m.commands.run({.argv = {"/bin/sh", "-c", "echo a; echo b >&2; exit 7"}});
  CHECK(r.status == 7);
  CHECK(r.output == "a\n");
  CHECK(r.errors == "b\n");
}

TEST_CASE("command lines are quoted so that a shell would read the same words") {
  CHECK(command_line({"git", "clone", "https://h/x.git", "/home/u/my dir"}) ==
        "git clone https://h/x.git '/home/u/my dir'");
  CHECK(command_line({"echo", "", "it's", "$HOME", "a;b", "~"}) == "echo '' 'it'\\''s' '$HOME' 'a;b' '~'");
  CHECK(command_line({"printf", "a\nb'\x1b"}) == "printf $'a\\nb\\'\\x1b'");
  CHECK(short_command_line({"echo", "ääääää"}, 10) == "echo 'ää…");
  CHECK(short_command_line({"echo", "x"}) == "echo x");
}

TEST_CASE("the last lines of a text") {
  CHECK(last_lines("a\nb\nc\n", 2) == "b\nc");
  CHECK(last_lines("a\nb\nc", 5) == "a\nb\nc");
  CHECK(last_lines("", 3).empty());
  CHECK(last_lines("\n\n", 3).empty());
  CHECK(last_lines("a\n\nb", 2) == "\nb");
}

TEST_CASE("spans of time in words") {
  CHECK(duration_text(1500) == "1500 ms");
  CHECK(duration_text(0) == "0 s");
  CHECK(duration_text(90'000) == "90 s");
  CHECK(duration_text(300'000) == "5 min");
  CHECK(duration_text(7'200'000) == "2 h");
}

TEST_CASE("the newest line of a command's output is reported while it runs, not every one of many") {
  Made m;
  m.commands.perform(shell("echo first; seq 1 5000"));
  REQUIRE(m.doing.size() >= 2);
  CHECK(m.doing[0] == "running /bin/sh -c 'echo first; seq 1 5000'");
  CHECK(m.doing[1] == "first");
  CHECK(m.doing.size() < 100);
}

TEST_CASE("a command that stands still is an error that says for how long, and what it left is removed") {
  Made m;
  RunCommand action{.command = {.argv = {"sleep", "600"}, .stall_ms = 200}};
  action.remove_on_failure = "/tmp/half";
  const Error e = error_of([&] { m.commands.perform(action); });
  CHECK(std::string(e.what()) == "`sleep 600` was ended: it moved no byte for 200 ms");
  CHECK(m.removed == std::vector<std::string>{"/tmp/half"});
}
