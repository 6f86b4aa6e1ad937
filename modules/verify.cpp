// verify: runs a program to check something; the run fails if the result differs. Never a change.
#include <fmt/format.h>

#include <algorithm>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/regular_expression.hpp"
#include "resource/argv.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

struct Verify {
  static constexpr auto type = "verify";
  static constexpr bool opaque = true;
  static constexpr bool verification = true;

  struct Desired {
    Argv argv;
    std::optional<std::string> shell, stdin_text, matches;
    std::int64_t status = 0;
    Texts contains;
    std::optional<Path> cwd;
    TextMap env;
    Duration timeout{30'000}, every{1'000};
    std::int64_t times = 1;
  };
  struct Current {
    CommandResult result;
  };

  static void describe(Schema<Desired>& s) {
    s.summary("Runs a program and fails when its status or output is not as expected. Never changes anything.");
    s.named_by("argv", "shell");
    s.optional("argv", &Desired::argv,
               "The program and its arguments; no shell is involved. `~/` at the beginning of one is the "
               "person's home.");
    s.optional("shell", &Desired::shell, "Instead of argv: a text for /bin/sh.");
    s.optional("status", &Desired::status, "The exit status that it must have.");
    s.optional("contains", &Desired::contains,
               "A text, or several, that its output (or its errors) must contain.");
    s.optional(
        "matches", &Desired::matches,
        "A regular expression (as RE2 has them) that must be found in a line of its output (or its errors); "
        "of a long line, in its first 64 KiB.");
    s.optional("timeout", &Desired::timeout, "How long one try may take.");
    s.optional("times", &Desired::times, "How often it is tried before it has failed.");
    s.optional("every", &Desired::every, "How long to wait between two tries.");
    s.optional("cwd", &Desired::cwd,
               "The folder that it runs in. Default: the home of the user that it runs as.");
    s.optional("env", &Desired::env, "Variables added to its environment.").secret();
    s.optional("stdin", &Desired::stdin_text, "Its standard input. Default: empty.").secret();
    s.check(&Verify::check);
    s.example("A program answers with a version",
              R"({"type": "verify", "argv": ["docker-compose", "version"], "contains": "v2."})");
    s.example("A server answers, soon", R"({"type": "verify",
  "argv": ["curl", "--fail", "--silent", "http://localhost:8888/api"], "matches": "\"version\": *\"\\d+",
  "times": 10, "every": "2s", "timeout": "5s"})");
    s.example("Something is not there", R"({"type": "verify", "shell": "pgrep -x mysqld", "status": 1})");
  }

  static void check(const Desired& d, Checker& c) {
    check_program(d.argv, d.shell, c);
    if (d.status < 0 || d.status > 255)
      c.error("status", fmt::format("{} is no exit status (0 to 255)", d.status));
    if (d.times < 1) c.error("times", "it must be tried at least once");
    if (!d.matches) return;
    try {
      const RegularExpression expression(*d.matches);
    } catch (const Error& e) {
      c.error("matches", fmt::format("`{}` is no regular expression: {}", *d.matches, e.what()),
              regular_expression_hint);
    }
  }

  static Claims claims(const Desired& d) {
    Claims claims;
    if (d.cwd) claims.push_back({.key = d.cwd->text, .access = Claim::Access::reads});
    return claims;
  }
  static Actor actor(const Desired&) { return {Actor::Kind::person}; }

  static Command command_of(const Desired& d) {
    return {.argv = d.shell ? std::vector<std::string>{"/bin/sh", "-c", *d.shell} : d.argv.words,
            .cwd = d.cwd ? d.cwd->text : "",
            .env = d.env,
            .input = d.stdin_text,
            .timeout_ms = d.timeout.ms,
            .path = {}};
  }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    for (std::int64_t left = d.times;; --left) {
      try {
        CommandResult result = machine.commands().run(command_of(d));
        const std::string mismatch = mismatch_of(d, result);
        if (mismatch.empty()) return {std::move(result)};
        const std::string tries = d.times > 1 ? fmt::format(" ({} tries)", d.times) : "";
        throw Error(mismatch + tries).with_output(last_lines(result.output + result.errors));
      } catch (const Error& e) {
        if (left <= 1 || e.kind() != ErrorKind::other) throw;
      }
      wait(d, machine);
    }
  }

  // By a program, so that an interruption takes effect at once.
  static void wait(const Desired& d, const MachineReader& machine) {
    if (d.every.ms == 0) return;
    machine.commands().run({.argv = {"sleep", fmt::format("{}.{:03}", d.every.ms / 1000, d.every.ms % 1000)}});
  }

  // The difference from what is expected; "" for none.
  static std::string mismatch_of(const Desired& d, const CommandResult& result) {
    if (result.timed_out)
      return fmt::format("expected an end within {}, found none", duration_text(d.timeout.ms));
    if (result.status != d.status) return fmt::format("expected status {}, found {}", d.status, result.status);
    for (const std::string& text : d.contains.list)
      if (result.output.find(text) == std::string::npos && result.errors.find(text) == std::string::npos)
        return fmt::format("expected output that contains `{}`, found {}", text, found(result));
    if (d.matches && !a_line_matches(*d.matches, result.output) && !a_line_matches(*d.matches, result.errors))
      return fmt::format("expected a line that matches `{}`, found {}", *d.matches, found(result));
    return "";
  }

  static bool a_line_matches(const std::string& expression, std::string_view text) {
    const RegularExpression regex(expression);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, std::min(end, longest_searched));
      if (regex.is_found_in(line)) return true;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
  }

  // "`Docker Compose version v1.29`", "2 lines", "a line of 500 bytes", "nothing"
  static std::string found(const CommandResult& result) {
    const std::string text = last_lines(result.output.empty() ? result.errors : result.output, 1000);
    if (text.empty()) return "nothing";
    const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
    if (lines > 1) return fmt::format("{} lines", lines);
    return text.size() <= 120 ? "`" + text + "`" : fmt::format("a line of {} bytes", text.size());
  }

  static Diff diff(const Desired&, const Current&) { return {}; }

  static Value outputs(const Desired&, const Current& c) {
    Value v;
    std::string text = c.result.output;
    while (text.ends_with('\n')) text.pop_back();
    v.set("output", text);
    return v;
  }
};

}  // namespace

MLOPS_MODULE(Verify);

}  // namespace mlops::modules
