// mlops-agent undo [RUN]: undoes a run.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "base/person.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/reach_options.hpp"
#include "cli/run_text.hpp"
#include "hosts/chosen_hosts.hpp"
#include "hosts/questions.hpp"
#include "hosts/undo_target.hpp"
#include "model/wording.hpp"
#include "ssh/settings.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

struct UndoOptions {
  std::string run;
  bool dry = false, yes = false;
  UndoSettings settings;
  OutputOptions output;
  ReachSettings reach;
};

int status_of(const UndoRun::Result& result) {
  if (result.interrupted) return exit_interrupted;
  if (result.count(Outcome::failed) + result.count(Outcome::not_converged) > 0) return exit_failed;
  if (result.count(Outcome::would_change) + result.count(Outcome::unknown) > 0) return exit_pending;
  return exit_done;
}

class Undoing {
 public:
  // host: "" for this machine. questions: for targets.
  Undoing(const UndoOptions& options, const std::string& host, Questions& questions,
          const Cancellation& cancellation)
      : options_(options),
        questions_(questions),
        output_(options.output),
        report_(output_.sink()),
        target_(host.empty()
                    ? undo_here(
                          options.settings, cancellation, [this](const Event& e) { pass_on(e); }, say)
                    : undo_there(host,
                                 {options.reach.ssh_config, options.reach.accept_new_host_keys,
                                  [](const std::string& text) { say(text); }, &questions},
                                 options.settings, cancellation, [this](const Event& e) { pass_on(e); })) {}

  // Whether any change was really made.
  bool acted() const { return acted_; }

  int go() {
    const RecordedRun run = target_->read(options_.run);
    UndoTarget& undo = *target_;
    title_ = fmt::format("{} {} of {}", run.kind, printable(run.playbook), local_time(run.started));
    for (const std::string& id : undo.resumes())
      report_(
          NoticeGiven{"local", fmt::format("the undo {} did not come to its end; this one resumes it", id)});
    tell_what_stays(undo);
    const bool shown = options_.dry || !options_.yes;
    planning_ = true;
    started_ = Clock::now();
    const UndoRun::Result thought = undo.in_thought();
    planning_ = false;
    const auto to_do = thought.count(Outcome::would_change) + thought.count(Outcome::unknown);
    const bool ends_here = options_.dry || to_do == 0 || thought.interrupted;
    if (shown || ends_here) {  // if nothing is left to do, the earlier lines say why
      report_(RunStarted{title_, "plan", {target_->name()}});
      report_(known_);
      for (const Event& event : held_) report_(event);
    }
    if (ends_here && !options_.dry && !thought.interrupted && status_of(thought) == exit_done) {
      planning_ = true;  // only records that nothing is left; already reported
      undo.for_real();
      planning_ = false;
    }
    if (ends_here) return end(thought, options_.dry || to_do == 0 ? status_of(thought) : exit_interrupted);
    if (shown) end(thought, status_of(thought));
    if (!options_.yes && !agreed(to_do)) return exit_not_started;
    begin("undo");
    report_(known_);
    real_ = true;
    const UndoRun::Result done = undo.for_real();
    return end(done, status_of(done));
  }

 private:
  // The plan's lines are held until all of them are known.
  void pass_on(const Event& event) {
    acted_ = acted_ || (real_ && std::holds_alternative<ResourceStarted>(event));
    const auto* finished = std::get_if<ResourceFinished>(&event);
    if (!planning_ || !finished) return report_(event);
    known_.add(finished->label, finished->as);
    held_.push_back(event);
  }
  void begin(const char* mode) {
    started_ = Clock::now();
    report_(RunStarted{title_, mode, {target_->name()}});
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
  void tell_what_stays(const UndoTarget& undo) {
    for (const std::string& what : undo.stays())
      report_(NoticeGiven{undo.name(), "cannot be taken back: " + what});
  }

  bool agreed(std::uint64_t count) {
    if (::isatty(0) != 1 || !Questions::possible()) {
      say("without a terminal to ask on, --yes is needed; nothing was touched");
      return false;
    }
    const std::string where = target_->name() == "local" ? "" : " on " + target_->name();
    const auto answer = questions_.ask(
        fmt::format("Take back {} resource{}{}? [y/N] ", count, count == 1 ? "" : "s", where), true);
    if (answer == "y" || answer == "Y" || answer == "yes") return true;
    say("nothing was touched");
    return false;
  }

  const UndoOptions& options_;
  Questions& questions_;
  Output output_;
  EventSink report_;
  Clock::time_point started_ = Clock::now();
  std::string title_;
  bool planning_ = false;
  ResourcesKnown known_;
  std::vector<Event> held_;
  std::unique_ptr<UndoTarget> target_;
  bool real_ = false, acted_ = false;
};

int undo_on(const UndoOptions& options, const std::string& host, Questions& questions,
            const Cancellation& cancellation, bool& acted) {
  const std::string name = host.empty() ? "" : host + ": ";
  std::optional<Undoing> undoing;
  try {
    undoing.emplace(options, host, questions, cancellation);
    const int status = undoing->go();
    acted = acted || undoing->acted();
    return status;
  } catch (const NoSuchRun& e) {
    say(fmt::format("{}{}; nothing was touched", name, e.message()));
    return exit_wrong;
  } catch (const Error& e) {
    const bool touched = undoing && undoing->acted();
    const std::string text = name + e.what();
    acted = acted || touched;
    say(touched || text.ends_with("nothing was touched") ? text : text + "; nothing was touched");
    return e.kind() == ErrorKind::cancelled ? exit_interrupted : touched ? exit_failed : exit_not_started;
  }
}

// The machines one after the other; one that cannot begin does not stop the others.
int undo_on_hosts(const UndoOptions& options, Questions& questions, const Cancellation& cancellation) {
  Source hosts_text;
  Diagnostics mistakes;
  const std::vector<std::string> hosts = named_hosts(options.reach, hosts_text, mistakes);
  if (!options.settings.state.empty() && options.settings.state.front() != '/')
    mistakes.add({}, "--state " + options.settings.state + ": for other machines it is an absolute path there");
  try {
    check_ssh_config(options.reach.ssh_config, current_person().uid);
  } catch (const Error& e) {
    mistakes.add({}, e.what());
  }
  show_mistakes(mistakes, options.output.colour);
  if (!mistakes.empty()) return exit_wrong;
  bool acted = false;
  std::vector<int> statuses;
  for (const std::string& host : hosts)
    statuses.push_back(undo_on(options, host, questions, cancellation, acted));
  // With several reasons: the order of exit_code.hpp; "nothing was touched" only if that is true.
  for (const int status : {exit_not_started, exit_wrong, exit_interrupted, exit_failed, exit_pending}) {
    if (std::find(statuses.begin(), statuses.end(), status) == statuses.end()) continue;
    return acted && (status == exit_not_started || status == exit_wrong) ? exit_failed : status;
  }
  return exit_done;
}

int undo(const UndoOptions& options) {
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  Questions questions([] {});
  if (!options.reach.hosts.empty() || !options.reach.hosts_file.empty())
    return undo_on_hosts(options, questions, cancellation);
  bool acted = false;
  return undo_on(options, "", questions, cancellation, acted);
}

}  // namespace

void add_undo(CommandLine& program) {
  const auto options = std::make_shared<UndoOptions>();
  CommandOptions command = program.command("undo", "Take back what a run did on a machine");
  command.option("RUN", options->run, "The beginning of its id, or last; the newest that was not undone");
  command.flag("--dry-run", options->dry, "Only show what would be taken back");
  command.flag("--yes,-y", options->yes, "Do not ask");
  command.flag("--force", options->settings.force, "Also what somebody changed since");
  command.flag("--no-sudo", options->settings.no_sudo, "Never become another user");
  command.option("--wait", options->settings.wait_seconds, "Wait so long for another run to end")
      .value_name("SECONDS");
  command.option("--state", options->settings.state, "Another state folder").value_name("DIR");
  add_output_options(command, options->output);
  add_reach_options(command, options->reach);
  command.action([options] { return undo(*options); });
}

}  // namespace mlops
