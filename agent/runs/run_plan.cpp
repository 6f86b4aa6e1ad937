#include "runs/run_plan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/person.hpp"
#include "base/wall_clock.hpp"
#include "host_run/plan_key.hpp"
#include "hosts/controller_files.hpp"

namespace mlops {
namespace {

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

// An option that cannot be combined with a saved plan; "" if there is none.
std::string needless(const RunRequest& r) {
  if (!r.sets.empty()) return "--set";
  if (!r.vars_files.empty()) return "--vars";
  if (!r.only.empty()) return "--only";
  if (!r.tags.empty()) return "--tag";
  if (!r.mirror.empty()) return "--mirror";
  if (!r.out.empty()) return "--out";
  if (!r.reach.hosts.empty()) return "--host";
  if (!r.reach.hosts_file.empty()) return "--hosts";
  if (!r.reach.ssh_config.empty()) return "--ssh-config";
  return "";
}

}  // namespace

RunPlan::RunPlan(RunRequest& request) : request_(request) {
  try {
    take(request);
  } catch (const PlanRefused& e) {
    throw RunRefused(e.why() == PlanRefused::Why::altered ? RunEnd::wrong : RunEnd::not_started,
                     fmt::format("{}; nothing was touched", e.message()));
  }
}

RunPlan::~RunPlan() = default;

void RunPlan::take(RunRequest& request) {
  const std::string path = request.playbook;
  TrackedFiles files;
  if (!request.trust_writable)
    files.guard(current_person().uid,
                ::geteuid() == 0 ? TrackedFiles::Guard::refuse : TrackedFiles::Guard::note);
  auto plan = read_plan(path, files);
  if (!plan) {
    if (request.all_or_nothing) {
      if (const FileBeside file = files.read(path, false, 0); !file.refused.empty())
        throw RunRefused(RunEnd::wrong, fmt::format("{}\n  hint: {}", file.refused, refused_hint));
      throw RunRefused(
          RunEnd::wrong,
          fmt::format("--all-or-nothing: {} is a playbook; it is for a plan saved with plan --out", path));
    }
    if (request.out.empty()) return;
    // Independent of the folder from which it is applied.
    request.playbook = absolute(request.playbook);
    for (std::string& file : request.vars_files) file = absolute(file);
    return;
  }
  if (const std::string option = needless(request); !option.empty())
    throw RunRefused(RunEnd::wrong,
                     fmt::format("{}: {} is a saved plan, and its values are fixed; plan again to change them",
                                 option, path));
  check_place(path, *plan, this_place());
  distrusted_ = files.distrusted();
  request.playbook = plan->playbook;
  request.vars_files = plan->vars_files;
  request.sets = plan->sets;
  request.only = plan->only;
  request.tags = plan->tags;
  request.mirror = plan->mirror;
  request.reach.hosts = plan->hosts;
  request.reach.ssh_config = plan->ssh_config;
  plan_ = std::move(plan);
}

void RunPlan::attach(RunHosts& hosts) {
  hosts.distrust_too(distrusted_);
  const std::string& state = request_.state;
  if (!request_.out.empty()) {
    keeper_ = std::make_unique<PlanKeeper>("local", [&state] { return plan_key(state, PlanKey::make); });
    hosts.keep_plan();
  }
  if (!plan_) return;
  guard_ = std::make_unique<PlanGuard>(*plan_, request_.all_or_nothing, "local",
                                       [&state] { return plan_key(state, PlanKey::find); });
  const std::vector<std::string> changed = changed_sources(*plan_);
  guard_->set_changed_sources(changed);
  hosts.hold_to(*plan_, changed, request_.all_or_nothing);
  files_ = std::make_unique<PlannedFiles>(*plan_, hosts.files());
}

const FileSource& RunPlan::files(const RunHosts& hosts) const {
  if (files_) return *files_;
  return hosts.files();
}

std::optional<std::map<std::string, std::string>> RunPlan::environment() const {
  if (!plan_) return std::nullopt;
  return plan_->environment;
}

RunObserver* RunPlan::observer() const {
  if (keeper_) return keeper_.get();
  return guard_.get();
}

EventSink RunPlan::recording(EventSink sink) {
  if (!keeper_) return sink;
  return [this, sink = std::move(sink)](const Event& e) {
    keeper_->take(e);
    for (PlanKeeper& keeper : awaited_) keeper.take(e);
    sink(e);
  };
}

void RunPlan::set_plays(const Playbook& playbook, const RunHosts& hosts) {
  if (!keeper_) return;
  for (const CastHost& host : cast_plays(playbook, hosts.named())) {
    if (host.name == "local") keeper_->set_plays(host.plays);
    if (host.awaited) awaited_.emplace_back(host.name).set_plays(host.plays);
  }
}

PlanFile RunPlan::made(const Playbook& playbook, const RunHosts& hosts) const {
  PlanFile plan{
      .version = "", .made = microseconds_now(), .place = this_place(), .playbook = request_.playbook};
  for (const auto& source : playbook.sources)
    if (!source->name.starts_with("--")) plan.texts[source->name] = source->text;
  for (const SentDigest& digest : hosts.source_digests()) plan.sources[digest.path] = digest.sha256;
  plan.vars_files = request_.vars_files;
  plan.sets = request_.sets;
  plan.environment = mentioned_environment(playbook, request_.sets);
  plan.only = request_.only;
  plan.tags = request_.tags;
  plan.mirror = request_.mirror;
  plan.hosts = hosts.named();
  if (!request_.reach.ssh_config.empty()) plan.ssh_config = absolute(request_.reach.ssh_config);
  plan.resources = keeper_->resources();
  for (const PlanKeeper& keeper : awaited_)
    for (PlannedResource& r : keeper.resources())
      if (r.outcome == Outcome::unknown || r.outcome == Outcome::skipped)
        plan.resources.push_back(std::move(r));
  for (const auto& [host, made] : hosts.planned()) {
    if (made.place == PlanPlace()) continue;  // it was not reached
    plan.places[host] = made.place;
    plan.resources.insert(plan.resources.end(), made.resources.begin(), made.resources.end());
  }
  return plan;
}

void RunPlan::conclude(const Playbook& playbook, const RunHosts& hosts, RunResult& result) const {
  if (holds_back()) {
    // nothing was left to do
    if (result.end != RunEnd::not_started)
      result.plan_error = guard_->why_held_back() + "; nothing was touched";
    result.end = RunEnd::not_started;
    return;
  }
  if (!keeper_ || result.end == RunEnd::wrong || result.end == RunEnd::not_started ||
      result.end == RunEnd::interrupted)
    return;
  try {
    const PlanFile plan = made(playbook, hosts);
    write_plan(request_.out, plan);
    result.plan_saved = true;
    for (const PlannedResource& r : plan.resources) {
      if (r.outcome != Outcome::unknown) continue;
      const bool is_planned = r.host == "local" || plan.places.contains(r.host);
      auto& labels = is_planned ? result.unforeseen : result.waiting;
      labels.push_back((r.host == "local" ? "" : r.host + " ") + r.label);
    }
  } catch (const Error& e) {
    result.plan_error = "mlops-agent: " + std::string(e.what());
    result.end = RunEnd::not_started;
  }
}

}  // namespace mlops
