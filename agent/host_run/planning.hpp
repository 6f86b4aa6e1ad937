// Saves a plan, and enforces one during a run.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/run_observer.hpp"
#include "host_run/saved_plan.hpp"
#include "resource/file_source.hpp"

namespace mlops {

// Returns the key for the digests of secrets (plan_key); "": there is none. Called when the first one is
// needed. Error.
using GetPlanKey = std::function<std::string()>;

// Observes the planning of one host. Its events must be passed in too, for the outcome of each resource.
class PlanKeeper : public RunObserver {
 public:
  // host: its name in events; those of other hosts are ignored.
  explicit PlanKeeper(std::string host = "local", GetPlanKey key = {})
      : host_(std::move(host)), get_key_(std::move(key)) {}
  // Its plays, by their place in the playbook. To be called before the pass.
  void set_plays(std::vector<std::size_t> plays) { own_ = std::move(plays); }
  void pass_begins(bool) override {}
  void inspected(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe) override;
  void recovers(const Inspection& seen, const std::vector<Action>& actions) override;
  void about_to_act() override {}
  void take(const Event& event);

  // Error if the key could not be read.
  std::vector<PlannedResource> resources() const;

 private:
  void seal(PlannedResource& resource, const Value& parameters);

  std::string host_;
  std::vector<std::size_t> own_;
  GetPlanKey get_key_;
  std::optional<std::string> key_;
  std::optional<Error> error_;
  std::size_t play_ = 0, plays_ = 0;
  std::vector<std::pair<std::size_t, std::string>> order_;
  std::map<std::pair<std::size_t, std::string>, PlannedResource> planned_;
};

// Restricts a run to what a plan contains.
//
// In the simulation, a resource with pending changes is refused if it was planned with other parameters, from
// another state, or with other actions. In the real pass, a resource is refused if it would change something
// outside the plan; having less left to do is fine. A resource that was unknown in the plan may make whatever
// changes it then finds necessary.
class PlanGuard : public RunObserver {
 public:
  // all_or_nothing: a refused, failed or missing planned resource prevents the run from starting. host: the
  // host's name in events. The plan must outlive this.
  PlanGuard(const PlanFile& plan, bool all_or_nothing, const std::string& host = "local", GetPlanKey key = {});
  void pass_begins(bool real) override { real_ = real; }
  void inspected(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe) override;
  void recovers(const Inspection& seen, const std::vector<Action>& actions) override;
  void finished(std::size_t play, const std::string& label, Outcome outcome,
                const std::string& reason) override;
  void about_to_act() override;

  // Whether all_or_nothing kept the run from starting, or would have; and the reason.
  bool holds_back() const { return all_or_nothing_ && !real_ && !held_back_by().empty(); }
  std::string why_held_back() const;
  // Files beside the playbook that have changed since the plan was made.
  void set_changed_sources(std::vector<std::string> paths) { changed_sources_ = std::move(paths); }

 private:
  using Place = std::pair<std::size_t, std::string>;
  std::string objection(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe);
  std::string other_secret(const PlannedResource& planned, const Inspection& seen);
  Preconditions preconditions_of(const Inspection& seen);
  const std::string& key();
  std::vector<std::string> held_back_by() const;

  std::map<Place, const PlannedResource*> planned_;
  GetPlanKey get_key_;
  std::optional<std::string> key_;
  std::map<Place, std::string> refused_;  // with the reason
  std::set<Place> seen_;
  std::vector<std::string> changed_sources_;
  bool all_or_nothing_, real_ = false;
};

// The texts stored in a plan; other files are read from disk, and must be unchanged.
class PlannedFiles : public FileSource {
 public:
  // Both must outlive it.
  PlannedFiles(const PlanFile& plan, const FileSource& others) : plan_(plan), others_(others) {}
  FileBeside read(const std::string& path, bool content, std::uint64_t limit) const override;
  FileBeside whole(const std::string& path) const override;
  std::string similar(const std::string& path) const override { return others_.similar(path); }

 private:
  const PlanFile& plan_;
  const FileSource& others_;
};
// Files beside the plan's playbook that have changed since.
std::vector<std::string> changed_sources(const PlanFile& plan);

}  // namespace mlops
