// mlops-agent history [RUN]: lists earlier runs.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <memory>

#include "base/person.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/reach_options.hpp"
#include "cli/run_text.hpp"
#include "hosts/chosen_hosts.hpp"
#include "hosts/run_history.hpp"
#include "machine/local.hpp"
#include "machine/run_lock.hpp"
#include "model/wording.hpp"
#include "ssh/settings.hpp"
#include "state/journal_json.hpp"
#include "state/json_value.hpp"
#include "state/state_database.hpp"
#include "state/state_folder.hpp"

namespace mlops {
namespace {

constexpr std::size_t kept_runs = 20;  // the number of runs whose before-images StateJournal keeps

struct HistoryOptions {
  std::string run, state;
  bool prune = false;
  OutputOptions output;
  ReachSettings reach;
};

Value or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

Value run_value(const RecordedRun& run, const std::string& host) {
  Value v;
  v.set("event", "run");
  v.set("id", run.id);
  v.set("kind", run.kind);
  v.set("playbook", run.playbook);
  v.set("host", host);
  v.set("starter", run.starter);
  v.set("version", run.version);
  v.set("started", iso_time(run.started));
  v.set("ended", run.ended ? Value(iso_time(run.ended)) : Value());
  v.set("outcome", run.outcome);
  v.set("counts", run.counts);
  v.set("undoes", run.undoes ? Value(*run.undoes) : Value());
  v.set("undone_by", or_null(run.undone_by));
  v.set("can_be_undone", run.whole);
  Value::Array participants;
  for (const std::string& identity : run.participants) participants.emplace_back(identity);
  v.set("participants", std::move(participants));
  return v;
}

Value step_value(const RecordedStep& step) {
  Value v;
  v.set("event", "resource");
  v.set("sequence", static_cast<std::int64_t>(step.sequence));
  v.set("label", step.resource);
  v.set("type", step.type);
  v.set("as", step.identity);
  v.set("state", to_text(step.state));
  v.set("reason", or_null(step.reason));
  v.set("changes", step.changes.empty() ? Value() : to_kept_list(step.changes));
  return v;
}

// Green: succeeded; dim: undone since.
const char* ending_colour(const RecordedRun& run) {
  if (!run.undone_by.empty()) return sgr::dim;
  return run.outcome == "done" ? sgr::green : run.outcome == "failed" ? sgr::red : sgr::yellow;
}

int list(const RunHistory& history, const HistoryOptions& options) {
  const std::vector<RecordedRun>& runs = history.runs;
  if (options.output.json) {
    for (const RecordedRun& run : runs) fmt::print("{}\n", to_json(run_value(run, history.host)));
    return exit_done;
  }
  std::size_t playbook = 0, counts = 0;
  for (const RecordedRun& run : runs) {
    playbook = std::max(playbook, columns(printable(run.playbook)));
    counts = std::max(counts, columns(printable(counts_text(run.counts))));
  }
  const auto padded = [](const std::string& text, std::size_t width) {
    return text + std::string(width - std::min(width, columns(text)), ' ');
  };
  const Paper paper = Paper::of(stdout, options.output.colour);
  for (const RecordedRun& run : runs) {
    const std::string head =
        fmt::format("{}  {}  {:<5}  {}  ", paper.coloured(sgr::bold, printable(short_id(run.id, runs))),
                    paper.coloured(sgr::dim, local_time(run.started)), printable(run.kind),
                    padded(printable(run.playbook), playbook));
    const std::string tail = padded(printable(counts_text(run.counts)), counts) + "  " +
                             paper.coloured(ending_colour(run), printable(ending(run, runs)));
    put(paper.hanging(head, tail) + "\n");
  }
  return exit_done;
}

void tell_missing(const WholeRun& whole, const std::string& id) {
  for (const auto& [identity, why] : whole.missing) {
    say(fmt::format("what {} did for it is not shown: {}", identity, why));
    if (identity == "root") say(fmt::format("`sudo mlops-agent history {}` shows it", id));
  }
}

int show(const RunHistory& history, const HistoryOptions& options) {
  const WholeRun& whole = *history.whole;
  const RecordedRun& run = whole.run;
  if (options.output.json) {
    fmt::print("{}\n", to_json(run_value(run, history.host)));
    for (const RecordedStep& step : whole.steps) fmt::print("{}\n", to_json(step_value(step)));
  } else {
    Output output(options.output);
    const Paper& paper = output.paper();
    const std::string took =
        run.ended ? " after " + duration(static_cast<double>(run.ended - run.started) / 1e6) : "";
    const std::string counts = run.counts.is_null() ? "" : ": " + counts_text(run.counts);
    put(paper.hanging("", paper.coloured(sgr::bold, printable(run.kind + " " + run.playbook)) + "  " +
                              printable(run.id)) +
        "\n");
    put(paper.hanging("", fmt::format("started {} by {} on {}, {}{}{}", local_time(run.started),
                                      printable(run.starter), printable(history.host),
                                      paper.coloured(ending_colour(run), printable(ending(run, history.runs))),
                                      took, printable(counts))) +
        "\n");
    const EventSink tell = output.sink();
    for (const RecordedStep& step : whole.steps) tell(as_event(step));
  }
  std::fflush(stdout);
  tell_missing(whole, short_id(run.id, {run}));
  return exit_done;
}

int prune(const HistoryOptions& options) {
  const ActingUser self = acting_user(effective_person().name);
  const std::string folder = find_state_folder(state_folder(self, options.state));
  const Cancellation cancellation;
  std::size_t gone = 0;
  if (!folder.empty()) {
    const RunLock lock(cache_folder(self), "history --prune", cancellation, {});
    const auto database = open_state_database({folder, StateDatabaseSettings::For::writing, say, {}});
    gone = prune_runs(*database, folder, kept_runs);
  }
  fmt::print("{} run{} removed; the last {} are kept\n", gone, gone == 1 ? "" : "s", kept_runs);
  return exit_done;
}

// One host after the other. An unreachable host, or one without runs, does not prevent the others from being
// shown.
int history_of_hosts(const HistoryOptions& options) {
  Source hosts_text;
  Diagnostics mistakes;
  const std::vector<std::string> hosts = named_hosts(options.reach, hosts_text, mistakes);
  if (options.prune)
    mistakes.add({}, "--prune with --host: a machine forgets its runs by itself; type it there");
  if (!options.state.empty() && options.state.front() != '/')
    mistakes.add({}, "--state " + options.state + ": for other machines it is an absolute path there");
  show_mistakes(mistakes, options.output.colour);
  if (!mistakes.empty()) return exit_wrong;
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  Questions questions([] {});
  const RemoteSettings settings{options.reach.ssh_config, options.reach.accept_new_host_keys, say, &questions};
  check_ssh_config(options.reach.ssh_config, current_person().uid);
  const Paper paper = Paper::of(stdout, options.output.colour);
  int status = exit_done;
  for (const std::string& host : hosts) {
    try {
      RemoteAgent agent(host, settings, cancellation, [](const Progress&) {});
      RunHistory history = run_history(agent, options.run, options.state);
      history.host = host;
      if (!options.output.json && hosts.size() > 1) put(paper.coloured(sgr::bold, printable(host)) + "\n");
      history.whole ? show(history, options) : list(history, options);
    } catch (const NoSuchRun& e) {
      say(fmt::format("{}: {}", host, e.message()));
      if (!options.run.empty() && status == exit_done) status = exit_wrong;
    } catch (const Error& e) {
      say(fmt::format("{}: {}", host, e.what()));
      status = cancellation.cancelled() ? exit_interrupted : exit_not_started;
    }
  }
  return status;
}

int history(const HistoryOptions& options) {
  try {
    if (!options.reach.hosts.empty() || !options.reach.hosts_file.empty()) return history_of_hosts(options);
    if (options.prune) {
      if (options.run.empty()) return prune(options);
      say("mlops-agent: --prune takes no run; it keeps the last 20 and removes all others");
      return exit_wrong;
    }
    const RunHistory history = run_history(options.run, options.state, say);
    return history.whole ? show(history, options) : list(history, options);
  } catch (const NoSuchRun& e) {
    // Without an argument, an empty history is a valid result.
    say(e.message());
    return options.run.empty() ? exit_done : exit_wrong;
  } catch (const Error& e) {
    say_error(e.what());
    return exit_not_started;
  }
}

}  // namespace

void add_history(CommandLine& program) {
  const auto options = std::make_shared<HistoryOptions>();
  CommandOptions command = program.command("history", "List earlier runs, or show what one did");
  command.option("RUN", options->run, "The beginning of a run's id, or last");
  command.flag("--prune", options->prune, "Delete all but the last 20 runs");
  command.option("--state", options->state, "Use another state folder").value_name("DIR");
  add_output_options(command, options->output);
  add_reach_options(command, options->reach);
  command.action([options] { return history(*options); });
}

}  // namespace mlops
