// command: runs a program if its guards require it.
//
// It runs if all given guards require it: a path of `creates` is missing; `only_if` exits with status 0;
// `unless` exits with another; with `only_when_notified`, another resource changed. Without any guard it needs
// "always".
#include <fmt/format.h>

#include <algorithm>

#include "base/command_line.hpp"
#include "resource/argv.hpp"
#include "resource/module.hpp"

namespace mlops {
namespace {

constexpr std::uint64_t guard_timeout_ms = 60'000;

// A program and its arguments as a list, or a text for /bin/sh.
struct Program {
  Argv argv;
};
// A path, or a list of them.
struct Paths {
  std::vector<Path> list;
};
// An exit status, or a list of them.
struct Statuses {
  std::vector<std::int64_t> list;
};

Value either(Value one, Value many) {
  Value v;
  v.set("anyOf", Value::Array{std::move(one), std::move(many)});
  return v;
}

}  // namespace

template <>
struct Codec<Program> {
  static bool decode(const Value& v, Program& into, Decoder& d) {
    if (v.is_string()) {
      into.argv.words = {"/bin/sh", "-c", v.as_string()};
      return true;
    }
    if (!v.is_array()) {
      d.error(v, fmt::format("expected a list of texts, or a text for the shell, found {}", v.kind_name()));
      return false;
    }
    if (!v.as_array().empty()) return Codec<Argv>::decode(v, into.argv, d);
    d.error(v, "the list is empty: it needs the name of a program");
    return false;
  }
  static std::string type_text() { return "list of text, or text for the shell"; }
  static Value json_schema() { return either(Codec<std::string>::json_schema(), Codec<Argv>::json_schema()); }
  static Value to_value(const Program& p) { return Codec<Argv>::to_value(p.argv); }
};

template <>
struct Codec<Paths> {
  static bool decode(const Value& v, Paths& into, Decoder& d) {
    return v.is_array() ? Codec<std::vector<Path>>::decode(v, into.list, d)
                        : Codec<Path>::decode(v, into.list.emplace_back(), d);
  }
  static std::string type_text() { return "path, or list of path"; }
  static Value json_schema() {
    return either(Codec<Path>::json_schema(), Codec<std::vector<Path>>::json_schema());
  }
  static Value to_value(const Paths& p) { return Codec<std::vector<Path>>::to_value(p.list); }
};

template <>
struct Codec<Statuses> {
  using List = Codec<std::vector<std::int64_t>>;
  static bool decode(const Value& v, Statuses& into, Decoder& d) {
    into.list.clear();
    return v.is_array() ? List::decode(v, into.list, d)
                        : Codec<std::int64_t>::decode(v, into.list.emplace_back(), d);
  }
  static std::string type_text() { return "integer, or list of integer"; }
  static Value json_schema() { return either(Codec<std::int64_t>::json_schema(), List::json_schema()); }
  static Value to_value(const Statuses& s) { return List::to_value(s.list); }
};

namespace modules {
namespace {

struct CommandModule {
  static constexpr auto type = "command";
  static constexpr bool opaque = true;

  struct Desired {
    Argv argv;
    std::optional<std::string> shell, stdin_text;
    std::optional<Paths> creates, changes;
    std::optional<Program> unless, only_if;
    bool only_when_notified = false, always = false;
    std::optional<Path> cwd;
    TextMap env;
    Duration timeout;
    Statuses ok_status{{0}};
  };
  struct Current {
    std::vector<std::string> missing;   // of creates
    bool wanted = true;                 // as far as the guards decide, without notification
    std::optional<Error> cannot_start;  // its program does not exist, and nothing pending installs it
  };

  static void describe(Schema<Desired>& s) {
    s.summary("Runs a program when its guards say that it is needed.");
    s.named_by("argv", "shell");
    s.optional("argv", &Desired::argv,
               "The program and its arguments; no shell is involved. `~/` at the beginning of one is the "
               "person's home.");
    s.optional("shell", &Desired::shell, "Instead of argv: a text for /bin/sh.");
    s.optional("creates", &Desired::creates,
               "It runs only while one of these paths is missing, and must make them.");
    s.optional("unless", &Desired::unless, "It runs only when this ends with another status than 0.");
    s.optional("only_if", &Desired::only_if, "It runs only when this ends with status 0.");
    s.optional("only_when_notified", &Desired::only_when_notified,
               "It runs only when an earlier resource notified it.");
    s.optional("always", &Desired::always, "It has no guard, and runs every time.");
    s.optional("cwd", &Desired::cwd,
               "The folder that it runs in. Default: the home of the user that it runs as.");
    s.optional("env", &Desired::env, "Variables added to its environment.").secret();
    s.optional("stdin", &Desired::stdin_text, "Its standard input. Default: empty.").secret();
    s.optional("timeout", &Desired::timeout,
               "After this time it is ended, and the resource failed; 0s: never. "
               "Guards have as long, or a minute.");
    s.optional("ok_status", &Desired::ok_status, "The exit statuses that count as success.");
    s.optional("changes", &Desired::changes,
               "What it may change of what other resources manage, beside `creates`; [] is nothing. Without "
               "it, a plan reports everything after it that it might change as unknown.");
    s.check(&CommandModule::check);
    s.example(
        "Runs once, as long as its result is there",
        R"({"type": "command", "argv": ["python3", "-m", "venv", "/opt/venv"], "creates": "/opt/venv/bin/python3"})");
    s.example("Runs when a question is answered with no", R"({"type": "command",
  "argv": ["docker", "network", "create", "mlops"], "unless": ["docker", "network", "inspect", "mlops"], "changes": []})");
    s.example("Runs when a file changed", R"([
  {"type": "file", "path": "/etc/sysctl.d/90-mlops.conf", "content": "vm.swappiness = 10\n", "notify": "sysctl"},
  {"type": "command", "id": "sysctl", "as": "root", "argv": ["sysctl", "--system"], "only_when_notified": true}
])");
    s.example(
        "Runs every time, through a shell",
        R"({"type": "command", "shell": "date >> ~/runs.log", "always": true, "changes": ["~/runs.log"]})");
  }

  static bool guarded(const Desired& d) {
    return (d.creates && !d.creates->list.empty()) || d.unless || d.only_if || d.only_when_notified;
  }

  static void check(const Desired& d, Checker& c) {
    check_program(d.argv, d.shell, c);
    if (!guarded(d) && !d.always)
      c.error("always", "nothing says when this command is needed",
              "give `creates`, `unless`, `only_if` or `only_when_notified`, or say \"always\": true");
    if (guarded(d) && d.always) c.error("always", "`always` and a guard exclude each other");
    for (const std::int64_t status : d.ok_status.list)
      if (status < 0 || status > 255)
        c.error("ok_status", fmt::format("{} is no exit status (0 to 255)", status));
    if (d.ok_status.list.empty()) c.error("ok_status", "without any status it could never succeed");
  }

  static Command command_of(const Desired& d, std::vector<std::string> argv) {
    return {.argv = std::move(argv),
            .cwd = d.cwd ? d.cwd->text : "",
            .env = d.env,
            .input = {},
            .timeout_ms = d.timeout.ms,
            .path = {}};
  }
  static std::vector<std::string> argv_of(const Desired& d) {
    return d.shell ? std::vector<std::string>{"/bin/sh", "-c", *d.shell} : d.argv.words;
  }
  static std::string line_of(const Desired& d) { return d.shell ? *d.shell : command_line(d.argv.words); }

  static Claims claims(const Desired& d) {
    Claims claims;
    const auto edit = [&](const Path& path) {
      claims.push_back({.key = path.text,
                        .access = Claim::Access::edits,
                        .subkey = line_of(d),
                        .desired = line_of(d),
                        .tree = true});
    };
    if (d.creates) std::for_each(d.creates->list.begin(), d.creates->list.end(), edit);
    if (d.changes) std::for_each(d.changes->list.begin(), d.changes->list.end(), edit);
    if (d.cwd) claims.push_back({.key = d.cwd->text, .access = Claim::Access::reads});
    return claims;
  }
  static bool bounded(const Desired& d) { return d.changes.has_value(); }
  static bool waits_for_notification(const Desired& d) { return d.only_when_notified; }
  static Actor actor(const Desired&) { return {Actor::Kind::person}; }

  // After an interrupted run, the files at `creates` may be incomplete.
  static Current inspect(const Desired& d, const MachineReader& machine, bool interrupted) {
    Current c;
    if (d.creates)
      for (const Path& path : d.creates->list)
        if (interrupted || !machine.files().status(path.text)) c.missing.push_back(path.text);
    if (d.creates && !d.creates->list.empty()) c.wanted = !c.missing.empty();
    if (c.wanted && d.only_if) c.wanted = agrees(d, *d.only_if, "only_if", machine);
    if (c.wanted && d.unless) c.wanted = !agrees(d, *d.unless, "unless", machine);
    if (c.wanted) c.cannot_start = machine.commands().cannot_start(command_of(d, argv_of(d)));
    return c;
  }

  static bool agrees(const Desired& d, const Program& guard, const char* name, const MachineReader& machine) {
    Command command = command_of(d, guard.argv.words);
    if (command.timeout_ms == 0) command.timeout_ms = guard_timeout_ms;
    const CommandResult result = machine.commands().run(command);
    if (!result.timed_out) return result.status == 0;
    throw Error(fmt::format("the guard `{}` (`{}`) did not end within {}", name,
                            short_command_line(guard.argv.words), duration_text(command.timeout_ms)))
        .with_output(last_lines(result.output + result.errors));
  }

  static Diff diff(const Desired& d, const Current& now, bool notified) {
    if (!now.wanted || (d.only_when_notified && !notified)) return {};
    if (now.cannot_start) throw *now.cannot_start;
    Diff diff;
    for (const std::string& path : now.missing) diff.changes.push_back({"creates", {}, path});
    diff.changes.push_back(
        {.property = d.always ? "always runs" : "runs", .after = line_of(d), .kind = Change::Kind::event});
    diff.actions.push_back(action_of(d));
    return diff;
  }

  static RunCommand action_of(const Desired& d) {
    RunCommand run{.command = command_of(d, argv_of(d)), .bounded = d.changes.has_value()};
    run.command.input = d.stdin_text;
    run.ok_status.assign(d.ok_status.list.begin(), d.ok_status.list.end());
    if (d.creates)
      for (const Path& path : d.creates->list) run.creates.push_back(path.text);
    run.until_created = !run.creates.empty();
    if (d.changes)
      for (const Path& path : d.changes->list) run.creates.push_back(path.text);
    return run;
  }
};

}  // namespace

MLOPS_MODULE(CommandModule);

}  // namespace modules
}  // namespace mlops
