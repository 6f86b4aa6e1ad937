// mlops-agent undo [RUN]: takes back what a run did.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/run_words.hpp"
#include "hosts/questions.hpp"
#include "hosts/undo_run.hpp"
#include "report/wording.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

struct UndoOptions {
  std::string run;
  bool dry = false, yes = false;
  UndoSettings settings;
  OutputOptions output;
};

int status_of(const UndoRun::Result& result) {
  if (result.interrupted) return exit_interrupted;
  if (result.count(Outcome::failed) + result.count(Outcome::not_converged) > 0) return exit_failed;
  if (result.count(Outcome::would_change) + result.count(Outcome::unknown) > 0) return exit_pending;
  return exit_done;
}

class Undoing {
 public:
  explicit Undoing(const UndoOptions& options)
      : options_(options), interrupts_(cancellation_), output_(options.output), report_(output_.sink()) {}

  int go() {
    const RunRecords records(options_.settings.state, say);
    const RecordedRun run = options_.run.empty() ? records.own().last_to_undo() : records.own().find(options_.run);
    UndoRun undo(options_.settings, records, run, cancellation_, [this](const Event& e) { pass_on(e); });
    undo.read();
    title_ = fmt::format("{} {} of {}", run.kind, printable(run.playbook), local_time(run.started));
    tell_what_stays(undo);
    const bool shown = options_.dry || !options_.yes;
    planning_ = true;
    const UndoRun::Result thought = undo.in_thought();
    planning_ = false;
    const auto to_do = thought.count(Outcome::would_change) + thought.count(Outcome::unknown);
    const bool ends_here = options_.dry || to_do == 0 || thought.interrupted;
    if (shown || ends_here) {  // where nothing is left to do, what was told of each says why
      begin("plan");
      report_(known_);
      for (const Event& event : held_) report_(event);
    }
    if (ends_here) return end(thought, options_.dry || to_do == 0 ? status_of(thought) : exit_interrupted);
    if (shown) end(thought, status_of(thought));
    if (!options_.yes && !agreed(to_do)) return exit_not_started;
    begin("undo");
    report_(known_);
    const UndoRun::Result done = undo.for_real();
    return end(done, status_of(done));
  }

 private:
  // The plan's lines wait until all of them are known.
  void pass_on(const Event& event) {
    const auto* finished = std::get_if<ResourceFinished>(&event);
    if (!planning_ || !finished) return report_(event);
    known_.add(finished->label, finished->as);
    held_.push_back(event);
  }
  void begin(const char* mode) {
    started_ = Clock::now();
    report_(RunStarted{title_, mode, {"local"}});
  }
  int end(const UndoRun::Result& result, int status) {
    RunFinished event;
    event.counts = result.counts;
    event.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    event.interrupted = result.interrupted;
    event.exit_status = status;
    report_(event);
    return status;
  }

  // By name, before anything is done.
  void tell_what_stays(const UndoRun& undo) {
    for (const std::string& what : undo.stays()) report_(NoticeGiven{"local", "cannot be taken back: " + what});
  }

  bool agreed(std::uint64_t count) {
    if (::isatty(0) != 1 || !Questions::possible()) {
      say("without a terminal to ask on, --yes is needed; nothing was touched");
      return false;
    }
    Questions questions([] {});
    const auto answer = questions.ask(fmt::format("Take back {} resource{}? [y/N] ", count, count == 1 ? "" : "s"), true);
    if (answer == "y" || answer == "Y" || answer == "yes") return true;
    say("nothing was touched");
    return false;
  }

  const UndoOptions& options_;
  Cancellation cancellation_;
  InterruptHandler interrupts_;
  Output output_;
  EventSink report_;
  Clock::time_point started_ = Clock::now();
  std::string title_;
  bool planning_ = false;
  ResourcesKnown known_;
  std::vector<Event> held_;
};

int undo(const UndoOptions& options) {
  try {
    return Undoing(options).go();
  } catch (const NoSuchRun& e) {
    say(fmt::format("{}; nothing was touched", e.message()));
    return exit_wrong;
  } catch (const Error& e) {
    const std::string text = e.what();
    say(text.ends_with("nothing was touched") ? text : text + "; nothing was touched");
    return e.kind() == ErrorKind::cancelled ? exit_interrupted : exit_not_started;
  }
}

}  // namespace

void add_undo(CLI::App& app, int& exit_status) {
  const auto options = std::make_shared<UndoOptions>();
  CLI::App* command = app.add_subcommand("undo", "Take back what a run did on this machine");
  command->add_option("RUN", options->run, "The beginning of its id, or last; the newest that was not undone");
  command->add_flag("--dry-run", options->dry, "Only show what would be taken back");
  command->add_flag("--yes,-y", options->yes, "Do not ask");
  command->add_flag("--force", options->settings.force, "Also what somebody changed since");
  command->add_flag("--no-sudo", options->settings.no_sudo, "Never become another user");
  command->add_option("--wait", options->settings.wait_seconds, "Wait so long for another run to end")->type_name("SECONDS");
  command->add_option("--state", options->settings.state, "Another state folder")->type_name("DIR");
  add_output_options(*command, options->output);
  command->callback([options, &exit_status] { exit_status = undo(*options); });
}

}  // namespace mlops
