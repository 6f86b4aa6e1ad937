// mlops-agent idle and keep: whether this machine will power itself off, and asking it to wait.
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "base/person.hpp"
#include "base/printable.hpp"
#include "base/process.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "idle/check.hpp"
#include "idle/keep.hpp"
#include "idle/state.hpp"
#include "resource/schema.hpp"

namespace mlops {
namespace {

constexpr std::uint64_t program_timeout_ms = 20'000;

std::string span_text(std::uint64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  const std::uint64_t minutes = (seconds + 30) / 60;
  if (minutes < 60) return fmt::format("{} min", minutes);
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

// "17:40, in 35 min", by the clock as it is set now.
std::string moment_text(std::uint64_t seconds_from_now) {
  const std::int64_t at = ::time(nullptr) + static_cast<std::int64_t>(seconds_from_now);
  return fmt::format("{}, in {}", time_text(at), span_text(seconds_from_now));
}

const char* to_string(const Observation& o) { return o.unknown ? "not known" : o.active ? "active" : "idle"; }

// ---- check ----

void run_as_root(std::vector<std::string> argv, std::optional<std::string> input) {
  const Person root = effective_person();
  const std::string name = argv.front();
  const CommandResult result = run_process(
      {.argv = std::move(argv), .cwd = "/", .input = std::move(input), .timeout_ms = program_timeout_ms},
      {root.name, root.home, root.shell, root.uid, root.gid});
  if (result.status != 0)
    throw Error(fmt::format("{} failed with {}: {}", name, result.status, printable(result.errors)));
}

// The journal gets it as well: the check's standard output.
void warn_everybody(std::uint64_t left) {
  const std::string text = fmt::format(
      "Nobody uses this machine: it powers off at {}. `mlops-agent keep 2h` keeps it on.\n", moment_text(left));
  put(text);
  try {
    run_as_root({"wall"}, text);
  } catch (const std::exception& e) {
    say_error(e.what());  // nobody may be logged in, and some systems have no wall
  }
}

int check() {
  if (::geteuid() != 0) {
    say_error(
        "`idle check` is for root: mlops-agent-idle.timer runs it; `mlops-agent idle` shows what it found");
    return exit_not_started;
  }
  const IdleCheck done = check_idle();
  for (const Observation& o : done.state.observations)
    if (o.unknown)
      say_error(fmt::format("{} cannot be observed, so the machine counts as active: {}", o.source, o.detail));
  switch (done.decision.step) {
    case IdleStep::nothing:
      break;
    case IdleStep::warn:
      warn_everybody(done.decision.left);
      break;
    case IdleStep::power_off:
      put(fmt::format("idle for {}: powering off\n", span_text(done.state.idle)));
      run_as_root({"systemctl", "poweroff"}, std::nullopt);
      break;
  }
  return exit_done;
}

// ---- status ----

// Since the last check, and until it powers off; in seconds.
struct Clocks {
  std::uint64_t ago, left;
};

Clocks clocks_of(const IdleSettings& settings, const IdleState& state, std::uint64_t now) {
  const std::uint64_t ago = now - std::min(now, state.checked.value_or(0)), left = time_left(settings, state);
  return {ago, left - std::min(left, ago)};
}

Value json_of(const IdleSettings& settings, const IdleState& state, std::uint64_t now) {
  Value::Array sources;
  for (const Observation& o : state.observations) {
    Value one;
    one.set("source", o.source);
    one.set("active", o.active);
    one.set("unknown", o.unknown);
    one.set("detail", o.detail);
    sources.push_back(std::move(one));
  }
  const Clocks clocks = clocks_of(settings, state, now);
  Value v;
  v.set("checked_seconds_ago", state.checked ? Value(clocks.ago) : Value());
  v.set("idle_seconds", state.idle);
  v.set("seconds_left", clocks.left);
  v.set("kept_seconds", state.keep_until > now ? state.keep_until - now : std::uint64_t{0});
  v.set("warned", state.warned.has_value());
  v.set("sources", std::move(sources));
  return v;
}

void print_status(const IdleSettings& settings, const IdleState& state, std::uint64_t now) {
  const Clocks clocks = clocks_of(settings, state, now);
  std::vector<std::vector<std::string>> rows{{"SOURCE", "STATE", ""}};
  for (const Observation& o : state.observations)
    rows.push_back({printable(o.source), to_string(o), printable(o.detail)});
  for (const std::string& line : table_lines(rows)) put(line + "\n");
  put(fmt::format("checked {} ago, idle for {} of {}\n", span_text(clocks.ago), span_text(state.idle),
                  span_text(settings.after)));
  if (state.keep_until > now) put(fmt::format("kept on until {}\n", moment_text(state.keep_until - now)));
  if (clocks.ago > longest_counted)
    put("it is no longer checked: `systemctl status mlops-agent-idle.timer` tells more\n");
  else
    put(fmt::format("it powers off at {}, if nobody uses it until then\n", moment_text(clocks.left)));
}

int status(bool json) {
  const auto settings = load_idle_settings();
  if (!settings) {
    put(json ? "null\n"
             : "this machine does not power itself off; a resource of the type idle_shutdown makes it\n");
    return exit_done;
  }
  auto state = load_idle_state(idle_state_folder);
  if (!state) {
    put(json ? "null\n" : "it has not been checked since it started\n");
    return exit_done;
  }
  const std::uint64_t now = seconds_since_boot();
  state->keep_until = requested_keep(idle_keep_folder, now, false);  // also what was asked since the check
  if (json)
    put(to_json(json_of(*settings, *state, now)) + "\n");
  else
    print_status(*settings, *state, now);
  return exit_done;
}

// ---- keep ----

// Seconds; absent after a message.
std::optional<std::uint64_t> parse_span(const std::string& text) {
  Diagnostics mistakes;
  Decoder decoder{mistakes, "", {}};
  Duration span;
  const bool read = Codec<Duration>::decode(Value(text), span, decoder);
  if (!read || span.ms / 1000 > longest_keep) {
    say_error(fmt::format(
        "`{}` is no time to keep a machine on: write 30m, 2h or 1d, and at most 7d; 0s ends it", text));
    return std::nullopt;
  }
  return span.ms / 1000;
}

int keep(const std::string& text) {
  if (!load_idle_settings()) {
    say_error("this machine does not power itself off, so nothing has to keep it on");
    return exit_wrong;
  }
  const std::uint64_t now = seconds_since_boot();
  if (!text.empty()) {
    const auto span = parse_span(text);
    if (!span) return exit_wrong;
    request_keep(idle_keep_folder, *span == 0 ? 0 : now + *span);
  }
  const std::uint64_t until = requested_keep(idle_keep_folder, now, false);
  put(until == 0 ? "nobody has asked to keep it on; `mlops-agent idle` says when it powers off\n"
                 : fmt::format("kept on until {}\n", moment_text(until - now)));
  return exit_done;
}

// What a command does, with its failure as a message.
template <class Command>
int reported(Command command) {
  try {
    return command();
  } catch (const Error& e) {
    say_error(e.what());
    return exit_failed;
  }
}

}  // namespace

void add_idle(CommandLine& program) {
  const auto json = std::make_shared<bool>(false);
  CommandOptions command =
      program.command("idle", "Whether this machine is in use, and when it will power itself off");
  command.flag("--json", *json, "One JSON object");
  CommandOptions look = command.command("check", "Look once, warn, and power off: its timer runs this as root");
  look.hide();
  command.action([json, look] { return reported([&] { return look.given() ? check() : status(*json); }); });
}

void add_keep(CommandLine& program) {
  const auto span = std::make_shared<std::string>();
  CommandOptions command =
      program.command("keep", "Keep this machine from powering itself off; alone: until when it is kept");
  command.option("duration", *span, "For how long: 30m, 2h, 1d; 0s ends it").value_name("DURATION");
  command.action([span] { return reported([&] { return keep(*span); }); });
}

}  // namespace mlops
