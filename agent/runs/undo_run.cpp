#include "runs/undo_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "base/person.hpp"
#include "base/printable.hpp"
#include "base/wall_clock.hpp"
#include "hosts/undo_target.hpp"
#include "ssh/settings.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

RunEnd end_of(const PassResult& result) {
  if (result.interrupted) return RunEnd::interrupted;
  if (result.count(Outcome::failed) + result.count(Outcome::not_converged) > 0) return RunEnd::failed;
  if (result.count(Outcome::would_change) + result.count(Outcome::unknown) > 0) return RunEnd::pending;
  return RunEnd::done;
}

// On one machine: first on an overlay; then, if the person agrees, for real.
class HostUndo {
 public:
  HostUndo(const UndoRequest& request, const std::string& host, const Cancellation& cancellation)
      : request_(request), host_(host), report_(request.sink(host)) {
    const EventSink sink = [this](const Event& e) { pass_on(e); };
    if (host.empty())
      target_ = undo_here(request.settings, cancellation, sink, request.warn);
    else
      target_ = undo_there(
          host, {request.reach.ssh_config, request.reach.accept_new_host_keys, request.warn, request.questions},
          request.settings, cancellation, sink);
  }

  // Whether any change was really made.
  bool acted() const { return acted_; }

  RunEnd go() {
    const RecordedRun run = target_->read(request_.run);
    title_ = fmt::format("{} {} of {}", run.kind, printable(run.playbook), local_time(run.started));
    for (const std::string& id : target_->resumes())
      report_(NoticeGiven{"local", fmt::format("the undo {} did not finish; this run resumes it", id)});
    // By name, before anything is done.
    for (const std::string& what : target_->stays())
      report_(NoticeGiven{target_->name(), "cannot be undone: " + what});
    started_ = Clock::now();
    const PassResult simulated = plan();
    const auto to_do = simulated.count(Outcome::would_change) + simulated.count(Outcome::unknown);
    const bool ends_here = request_.dry || to_do == 0 || simulated.interrupted;
    if (request_.dry || request_.ask || ends_here) {  // if nothing is left to do, the earlier lines say why
      report_(RunStarted{title_, "plan", {target_->name()}});
      report_(known_);
      for (const Event& event : held_) report_(event);
    }
    if (ends_here && !request_.dry && !simulated.interrupted && end_of(simulated) == RunEnd::done) {
      planning_ = true;  // only records that nothing is left; already reported
      target_->for_real();
      planning_ = false;
    }
    if (ends_here) return end(simulated, request_.dry || to_do == 0 ? end_of(simulated) : RunEnd::interrupted);
    if (request_.dry || request_.ask) end(simulated, end_of(simulated));
    if (request_.ask && !request_.agree(to_do, host_)) return RunEnd::not_started;
    return undo();
  }

 private:
  PassResult plan() {
    planning_ = true;
    const PassResult simulated = target_->simulate();
    planning_ = false;
    return simulated;
  }
  RunEnd undo() {
    started_ = Clock::now();
    report_(RunStarted{title_, "undo", {target_->name()}});
    report_(known_);
    real_ = true;
    const PassResult done = target_->for_real();
    return end(done, end_of(done));
  }
  // The plan's lines are held until all of them are known.
  void pass_on(const Event& event) {
    acted_ = acted_ || (real_ && std::holds_alternative<ResourceStarted>(event));
    const auto* finished = std::get_if<ResourceFinished>(&event);
    if (!planning_ || !finished) return report_(event);
    known_.add(finished->label, finished->as);
    held_.push_back(event);
  }
  RunEnd end(const PassResult& result, RunEnd end) {
    RunFinished event;
    event.counts = result.counts;
    event.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    event.interrupted = result.interrupted;
    event.exit_status = exit_status(end);
    report_(event);
    return end;
  }

  const UndoRequest& request_;
  const std::string host_;
  EventSink report_;
  Clock::time_point started_ = Clock::now();
  std::string title_;
  bool planning_ = false;
  ResourcesKnown known_;
  std::vector<Event> held_;
  std::unique_ptr<UndoTarget> target_;
  bool real_ = false, acted_ = false;
};

// acted is set if any change was really made.
RunEnd undo_on(const UndoRequest& request, const std::string& host, const Cancellation& cancellation,
               bool& acted) {
  const std::string name = host.empty() ? "" : host + ": ";
  std::optional<HostUndo> undo;
  try {
    undo.emplace(request, host, cancellation);
    const RunEnd end = undo->go();
    acted = acted || undo->acted();
    return end;
  } catch (const NoSuchRun& e) {
    request.warn(fmt::format("{}{}; nothing was touched", name, e.message()));
    return RunEnd::wrong;
  } catch (const Error& e) {
    const bool touched = undo && undo->acted();
    const std::string text = name + e.what();
    acted = acted || touched;
    request.warn(touched || text.ends_with("nothing was touched") ? text : text + "; nothing was touched");
    return e.kind() == ErrorKind::cancelled ? RunEnd::interrupted
           : touched                        ? RunEnd::failed
                                            : RunEnd::not_started;
  }
}

void check_reach(const UndoRequest& request, Diagnostics& mistakes) {
  const std::string& state = request.settings.state;
  if (!state.empty() && state.front() != '/')
    mistakes.add({}, "--state " + state + ": for other machines it is an absolute path there");
  try {
    check_ssh_config(request.reach.ssh_config, current_person().uid);
  } catch (const Error& e) {
    mistakes.add({}, e.what());
  }
}

// The first reason, but "nothing was changed" only if that is true of all machines.
RunEnd end_of(const std::vector<RunEnd>& ends, bool acted) {
  for (const RunEnd end :
       {RunEnd::not_started, RunEnd::wrong, RunEnd::interrupted, RunEnd::failed, RunEnd::pending}) {
    if (std::find(ends.begin(), ends.end(), end) == ends.end()) continue;
    return acted && (end == RunEnd::not_started || end == RunEnd::wrong) ? RunEnd::failed : end;
  }
  return RunEnd::done;
}

}  // namespace

UndoResult run_undo(const UndoRequest& request, const Cancellation& cancellation) {
  UndoResult result;
  bool acted = false;
  if (request.reach.hosts.empty() && request.reach.hosts_file.empty()) {
    result.end = undo_on(request, "", cancellation, acted);
    return result;
  }
  const auto text = std::make_shared<Source>();
  result.hosts_text = text;
  const std::vector<std::string> hosts = named_hosts(request.reach, *text, result.mistakes);
  check_reach(request, result.mistakes);
  if (!result.mistakes.empty()) {
    result.end = RunEnd::wrong;
    return result;
  }
  std::vector<RunEnd> ends;
  for (const std::string& host : hosts) ends.push_back(undo_on(request, host, cancellation, acted));
  result.end = end_of(ends, acted);
  return result;
}

}  // namespace mlops
