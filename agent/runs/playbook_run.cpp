#include "runs/playbook_run.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/person.hpp"
#include "base/suggest.hpp"
#include "engine/show.hpp"
#include "host_run/saved_plan.hpp"
#include "playbook/play_hosts.hpp"
#include "runs/run_plan.hpp"
#include "state/run_id.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;
using Prune = RunRequest::Prune;

RunEnd end_of(const Conclusion& conclusion) {
  if (conclusion.not_started && !conclusion.touched) return RunEnd::not_started;
  if (!conclusion.mistakes.empty() && conclusion.early) return RunEnd::wrong;
  if (conclusion.interrupted) return RunEnd::interrupted;
  const auto count = [&](Outcome o) { return conclusion.counts[static_cast<std::size_t>(o)]; };
  const bool dropped = std::any_of(conclusion.hosts.begin(), conclusion.hosts.end(),
                                   [](const HostFinished& h) { return !h.error.empty(); });
  if (dropped || count(Outcome::failed) + count(Outcome::not_converged) > 0) return RunEnd::failed;
  if (count(Outcome::would_change) + count(Outcome::unknown) > 0) return RunEnd::pending;
  return RunEnd::done;
}

void check_selection(const RunRequest& request, const Playbook& playbook, Diagnostics& mistakes) {
  std::vector<std::string> ids, tags;
  for (const Play& play : playbook.plays)
    for (const Resource& r : play.resources) {
      if (!r.id.empty()) ids.push_back(r.id);
      tags.insert(tags.end(), r.tags.begin(), r.tags.end());
    }
  const auto check = [&](const char* option, const std::vector<std::string>& wanted,
                         const std::vector<std::string>& known) {
    for (const std::string& word : wanted)
      if (std::find(known.begin(), known.end(), word) == known.end())
        mistakes.add({}, fmt::format("{} {}: no resource of the playbook has it", option, word),
                     did_you_mean(word, known));
  };
  check("--only", request.only, ids);
  check("--tag", request.tags, tags);
}

// Plays without `on` run on the hosts of the command line; `local` among them is this machine.
void check_accounts(const std::vector<std::string>& named, const Playbook& playbook, Diagnostics& mistakes) {
  const auto other =
      std::find_if(named.begin(), named.end(), [](const std::string& name) { return name != "local"; });
  if (other == named.end()) return;
  for (const Play& play : playbook.plays)
    for (const Resource& r : play.resources)
      if (play.on.empty() && r.module && r.module->account)
        mistakes.add(r.where, on_account_elsewhere(r, *other), account_hint);
}

bool has_targets(const RunRequest& request, const Playbook& playbook) {
  return !request.reach.hosts.empty() || !request.reach.hosts_file.empty() ||
         std::any_of(playbook.plays.begin(), playbook.plays.end(), [](const Play& play) {
           return std::any_of(play.on.begin(), play.on.end(),
                              [](const std::string& host) { return host != "local"; });
         });
}

// Makes a relative --mirror absolute. --mirror and --state are paths of the machines that are changed. Returns
// what is wrong with one of them; "" for nothing.
std::string settle_paths(RunRequest& request, const Playbook& playbook) {
  const bool remote = has_targets(request, playbook);
  const auto is_relative = [](const std::string& path) { return !path.empty() && path.front() != '/'; };
  std::string& mirror = request.mirror;
  const bool is_folder = !mirror.empty() && mirror.find("://") == std::string::npos;
  if (remote && is_folder && is_relative(mirror))
    return "--mirror " + mirror + ": for other machines it is a URL, or an absolute path there";
  if (remote && is_relative(request.state))
    return "--state " + request.state + ": for other machines it is an absolute path there";
  if (remote || !is_folder) return "";
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(mirror.c_str(), nullptr), std::free);
  if (!real) return "--mirror " + mirror + ": there is no such folder";
  struct stat status {};
  if (::stat(real.get(), &status) != 0 || !S_ISDIR(status.st_mode))
    return "--mirror " + mirror + ": it is not a folder";
  mirror = real.get();
  return "";
}

class PlaybookRun {
 public:
  PlaybookRun(RunRequest request, const Cancellation& cancellation)
      : request_(std::move(request)), cancellation_(cancellation), person_(current_person()) {
    request_.reach.trust_writable = request_.trust_writable;
  }

  RunResult go() {
    try {
      run();
    } catch (const RunRefused& e) {
      refuse(e.end(), e.message());
    } catch (const std::exception& e) {
      if (!acted_) throw;
      refuse(RunEnd::failed, e.what());  // it did start
    }
    result_.playbook = request_.playbook;
    result_.seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    return std::move(result_);
  }

 private:
  bool only_prunes() const { return request_.prune == Prune::alone; }
  bool removes_stale() const { return request_.prune == Prune::remove || only_prunes(); }
  bool has_selection() const { return !request_.only.empty() || !request_.tags.empty(); }
  bool plans_only() const { return request_.dry || only_prunes(); }

  void refuse(RunEnd end, std::string error = "") {
    result_.end = end;
    result_.error = std::move(error);
    result_.ran = false;
    result_.interrupted = end == RunEnd::interrupted;
  }
  void refuse(RunEnd end, Diagnostics mistakes) {
    mistakes.sort();
    result_.mistakes = std::move(mistakes);
    refuse(end);
  }

  void run() {
    RunPlan plan(request_);
    if (removes_stale() && has_selection())
      return refuse(RunEnd::wrong, "--prune looks at the whole playbook: it excludes --only and --tag");
    Diagnostics mistakes;
    RunHosts hosts(
        request_.reach, mistakes, [this] { request_.sink(TerminalReleased{}); }, request_.warn);
    result_.hosts_text = hosts.hosts_text();
    plan.attach(hosts);
    if (!request_.trust_writable) hosts.guard_files(person_.uid, request_.state, mistakes);
    const LoadOptions load = load_options(plan, hosts);
    const auto loaded =
        std::make_shared<const Playbook>(load_playbook(request_.playbook, load, all_modules(), mistakes));
    result_.loaded = loaded;
    check_selection(request_, *loaded, mistakes);
    check_accounts(hosts.named(), *loaded, mistakes);
    result_.keys = playbook_keys(*loaded, request_.playbook);
    if (!mistakes.empty()) return refuse(RunEnd::wrong, std::move(mistakes));
    if (std::string wrong = request_.check ? request_.check(*loaded) : ""; !wrong.empty())
      return refuse(RunEnd::wrong, std::move(wrong));
    if (std::string wrong = settle_paths(request_, *loaded); !wrong.empty())
      return refuse(RunEnd::wrong, std::move(wrong));
    pass(*loaded, plan, hosts, load);
    const bool refused_for_mistakes = !result_.ran && !result_.mistakes.empty();
    if (!refused_for_mistakes) plan.conclude(*loaded, hosts, result_);
  }

  LoadOptions load_options(const RunPlan& plan, const RunHosts& hosts) const {
    LoadOptions load{request_.vars_files, request_.sets, person_.home, &plan.files(hosts)};
    if (!request_.reach.ssh_config.empty())
      load.ssh_config = std::filesystem::absolute(request_.reach.ssh_config).lexically_normal();
    load.environment = plan.environment();
    return load;
  }

  // Both passes over the playbook on all hosts, then the pruning.
  void pass(const Playbook& playbook, RunPlan& plan, RunHosts& hosts, const LoadOptions& load) {
    plan.set_plays(playbook, hosts);
    const EventSink report = plan.recording(request_.sink);
    Coordinator coordinator(playbook, conduct_settings(hosts), cancellation_, [&](const Event& e) {
      note(e);
      if (!only_prunes() || pruning_) report(e);
    });
    hosts.set_observer(plan.observer() ? plan.observer() : request_.observer);
    if (request_.recreate) hosts.allow_losses();
    hosts.open_secrets(playbook, plans_only(), cancellation_);
    hosts.take_part(coordinator, playbook, part_settings(), load, cancellation_);
    if (!hosts.unread().empty()) return refuse(RunEnd::not_started, hosts.unread());
    report(RunStarted{request_.playbook,
                      request_.dry    ? "plan"
                      : only_prunes() ? "prune"
                                      : "apply",
                      hosts.names()});
    Conclusion conclusion = coordinator.go();
    const std::vector<ShownLine> lines = show(playbook, coordinator, conclusion);
    if (!conclusion.mistakes.empty() && conclusion.early)
      // A secret that cannot be read is not a mistake in the playbook.
      return refuse(playbook.secrets->failed() ? RunEnd::not_started : RunEnd::wrong,
                    std::move(conclusion.mistakes));
    if (only_prunes()) {
      conclusion.counts = {};
      for (HostFinished& host : conclusion.hosts) host.counts = {};
    }
    if (!plan.holds_back()) prune(coordinator, conclusion);
    for (HostFinished& host : conclusion.hosts) host.error = playbook.secrets->concealed(std::move(host.error));
    finish(std::move(conclusion), lines);
  }

  void note(const Event& event) {
    const auto* e = std::get_if<ResourceFinished>(&event);
    if (!e || request_.dry) return;
    acted_ = acted_ || e->outcome == Outcome::changed || e->outcome == Outcome::not_converged;
  }

  ConductSettings conduct_settings(RunHosts& hosts) const {
    ConductSettings settings{plans_only(), request_.fail_fast, request_.reach.forks, request_.reach.serial};
    settings.all_or_nothing = request_.all_or_nothing;
    settings.judge = [&hosts](const std::string& host, const PassResult& result, Diagnostics& wrong) {
      hosts.judge(host, result, wrong);
    };
    settings.participant = [&hosts](const std::string& host, const std::vector<std::size_t>& plays,
                                    EventSink sink) {
      return hosts.awaited_participant(host, plays, std::move(sink));
    };
    return settings;
  }

  PartSettings part_settings() const {
    PartSettings settings{request_.only, request_.tags,    request_.mirror,
                          plans_only(),  request_.no_sudo, request_.fail_fast};
    settings.run = {new_run_id(""),
                    "apply",
                    request_.playbook,
                    result_.keys.front(),
                    {result_.keys.begin() + 1, result_.keys.end()}};
    settings.journal = {request_.state, request_.keep_limit};
    settings.wait_seconds = request_.wait_seconds;
    return settings;
  }

  // Filled in after a plan too, so that mistakes in them are found before anything is changed.
  std::vector<ShownLine> show(const Playbook& playbook, const Coordinator& coordinator,
                              Conclusion& conclusion) const {
    if (playbook.show.empty() || !conclusion.mistakes.empty()) return {};
    const auto count = [&](Outcome o) { return conclusion.counts[static_cast<std::size_t>(o)]; };
    const bool whole = count(Outcome::failed) + count(Outcome::not_converged) == 0;
    if (!whole || conclusion.interrupted || conclusion.not_started) return {};
    return show_lines(playbook, Facts(person_), coordinator.values(), conclusion.mistakes);
  }

  // Resources that the playbook no longer has: reported, or removed if requested.
  void prune(Coordinator& coordinator, Conclusion& conclusion) {
    if (has_selection() || conclusion.interrupted || !conclusion.mistakes.empty()) return;
    if (request_.prune == Prune::ignore) return;
    pruning_ = true;
    coordinator.prune({removes_stale(), only_prunes(), request_.dry, new_run_id("")}, conclusion);
  }

  void finish(Conclusion conclusion, const std::vector<ShownLine>& lines) {
    result_.hosts = std::move(conclusion.hosts);
    conclusion.hosts = result_.hosts;
    result_.mistakes = conclusion.mistakes;
    const RunEnd end = end_of(conclusion);
    if (is_local(result_) && conclusion.not_started && !conclusion.touched)
      return refuse(cancellation_.cancelled() ? RunEnd::interrupted : end);
    result_.end = end;
    result_.ran = true;
    result_.counts = conclusion.counts;
    result_.interrupted = conclusion.interrupted;
    if (!request_.dry) result_.show = lines;
  }

  RunRequest request_;
  const Cancellation& cancellation_;
  const Clock::time_point started_ = Clock::now();
  Person person_;
  RunResult result_;
  bool pruning_ = false;
  bool acted_ = false;  // something was changed, or failed while being changed
};

}  // namespace

RunResult run_playbook(const RunRequest& request, const Cancellation& cancellation) {
  return PlaybookRun(request, cancellation).go();
}

bool is_local(const RunResult& result) {
  return result.hosts.size() == 1 && result.hosts.front().host == "local";
}

std::vector<std::string> playbook_keys(const Playbook& playbook, const std::string& path) {
  constexpr std::size_t enough = 16;  // hex digits of the digest
  const PlanPlace here = this_place();
  const std::string machine = here.machine.empty() ? here.host : here.machine.substr(0, enough);
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
  const bool stays = real && !std::string_view(real.get()).starts_with("/proc/");
  const std::string place = stays ? real.get() : path;
  std::vector<std::string> keys;
  if (!playbook.name.empty()) keys.push_back(fmt::format("{}:{}", machine, playbook.name));
  keys.push_back(fmt::format("{}:{}", machine, place));
  if (machine != here.host) keys.push_back(fmt::format("{}:{}", here.host, place));
  return keys;
}

}  // namespace mlops
