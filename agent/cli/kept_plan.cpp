#include "cli/kept_plan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "base/person.hpp"
#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "hosts/controller_files.hpp"
#include "runs/plan_key.hpp"

namespace mlops {
namespace {

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

// An option that cannot be combined with a plan file; "" if there is none.
std::string needless(const ApplyOptions& o) {
  if (!o.sets.empty()) return "--set";
  if (!o.vars_files.empty()) return "--vars";
  if (!o.only.empty()) return "--only";
  if (!o.tags.empty()) return "--tag";
  if (!o.mirror.empty()) return "--mirror";
  if (!o.out.empty()) return "--out";
  if (!o.reach.hosts.empty()) return "--host";
  if (!o.reach.hosts_file.empty()) return "--hosts";
  if (!o.reach.ssh_config.empty()) return "--ssh-config";
  return "";
}

std::int64_t now_us() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

// A notice about resources that may do more than the plan can tell.
void tell_unknown(const std::vector<PlannedResource>& resources) {
  std::string labels;
  for (const PlannedResource& r : resources)
    if (r.outcome == Outcome::unknown)
      labels += (labels.empty() ? "" : ", ") + (r.host == "local" ? "" : r.host + " ") + r.label;
  if (!labels.empty()) say("not known yet, and free to do what is needed then: " + labels);
}

}  // namespace

std::optional<int> take_plan(ApplyOptions& options) try {
  const std::string path = options.playbook;
  TrackedFiles files;
  if (!options.trust_writable)
    files.guard(current_person().uid,
                ::geteuid() == 0 ? TrackedFiles::Guard::refuse : TrackedFiles::Guard::note);
  auto plan = read_plan(path, files);
  if (!plan) {
    if (options.all_or_nothing) {
      if (const FileBeside file = files.read(path, false, 0); !file.refused.empty()) {
        say(fmt::format("{}\n  hint: {}", file.refused, refused_hint));
        return exit_wrong;
      }
      say(fmt::format("--all-or-nothing: {} is a playbook; it is for a plan that was kept with plan --out",
                      path));
      return exit_wrong;
    }
    if (options.out.empty()) return std::nullopt;
    // Independent of the folder from which it is applied.
    options.playbook = absolute(options.playbook);
    for (std::string& file : options.vars_files) file = absolute(file);
    return std::nullopt;
  }
  if (const std::string option = needless(options); !option.empty()) {
    say(fmt::format("{}: {} is a plan, which was made with values of its own; plan anew to change them", option,
                    path));
    return exit_wrong;
  }
  check_place(path, *plan, this_place());
  options.distrusted = files.distrusted();
  options.playbook = plan->playbook;
  options.vars_files = plan->vars_files;
  options.sets = plan->sets;
  options.only = plan->only;
  options.tags = plan->tags;
  options.mirror = plan->mirror;
  options.reach.hosts = plan->hosts;
  options.reach.ssh_config = plan->ssh_config;
  options.plan = std::make_shared<const PlanFile>(std::move(*plan));
  return std::nullopt;
} catch (const PlanRefused& e) {
  say(fmt::format("{}; nothing was touched", e.message()));
  return e.why() == PlanRefused::Why::altered ? exit_wrong : exit_not_started;
}

KeptPlan::KeptPlan(const ApplyOptions& options, RunHosts& hosts) : options_(options) {
  if (!options.out.empty()) {
    keeper_ =
        std::make_unique<PlanKeeper>("local", [&options] { return plan_key(options.state, PlanKey::make); });
    hosts.keep_plan();
  }
  if (!options.plan) return;
  guard_ = std::make_unique<PlanGuard>(*options.plan, options.all_or_nothing, "local",
                                       [&options] { return plan_key(options.state, PlanKey::find); });
  const std::vector<std::string> changed = changed_sources(*options.plan);
  guard_->set_changed_sources(changed);
  hosts.hold_to(*options.plan, changed, options.all_or_nothing);
  files_ = std::make_unique<PlannedFiles>(*options.plan, hosts.files());
}

KeptPlan::~KeptPlan() = default;

const FileSource& KeptPlan::files(const RunHosts& hosts) const {
  if (files_) return *files_;
  return hosts.files();
}

RunObserver* KeptPlan::observer() const {
  if (keeper_) return keeper_.get();
  return guard_.get();
}

EventSink KeptPlan::told(EventSink sink) const {
  if (!keeper_) return sink;
  return [keeper = keeper_.get(), sink = std::move(sink)](const Event& e) {
    keeper->take(e);
    sink(e);
  };
}

void KeptPlan::set_plays(const Playbook& playbook, const RunHosts& hosts) const {
  if (!keeper_) return;
  for (const CastHost& host : cast_plays(playbook, hosts.named()))
    if (host.name == "local") keeper_->set_plays(host.plays);
}

int KeptPlan::conclude(const Playbook& playbook, const RunHosts& hosts, int status) const {
  if (holds_back()) {
    // nothing was left to do
    if (status != exit_not_started) say(guard_->why_held_back() + "; nothing was touched");
    return exit_not_started;
  }
  if (!keeper_ || status == exit_wrong || status == exit_not_started || status == exit_interrupted)
    return status;
  PlanFile plan{.version = "", .made = now_us(), .place = this_place(), .playbook = options_.playbook};
  for (const auto& source : playbook.sources)
    if (!source->name.starts_with("--")) plan.texts[source->name] = source->text;
  for (const SentDigest& digest : hosts.source_digests()) plan.sources[digest.path] = digest.sha256;
  plan.vars_files = options_.vars_files;
  plan.sets = options_.sets;
  plan.environment = mentioned_environment(playbook, options_.sets);
  plan.only = options_.only;
  plan.tags = options_.tags;
  plan.mirror = options_.mirror;
  plan.hosts = hosts.named();
  if (!options_.reach.ssh_config.empty()) plan.ssh_config = absolute(options_.reach.ssh_config);
  try {
    plan.resources = keeper_->resources();
    for (const auto& [host, made] : hosts.planned()) {
      plan.places[host] = made.place;
      plan.resources.insert(plan.resources.end(), made.resources.begin(), made.resources.end());
    }
    write_plan(options_.out, plan);
  } catch (const Error& e) {
    say_error(e.what());
    return exit_not_started;
  }
  tell_unknown(plan.resources);
  say(fmt::format("the plan is kept in {}; `mlops-agent apply {}` does just that", options_.out, options_.out));
  return status;
}

}  // namespace mlops
