// Keeping a plan, and holding a run to one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/run_observer.hpp"
#include "resource/file_source.hpp"
#include "runs/saved_plan.hpp"

namespace mlops {

// Gives the key for the digests of secrets (plan_key); "": there is none. Asked for when the first is needed. Error.
using GetPlanKey = std::function<std::string()>;

// Watches a plan being made on one host. Its events are to be passed through, for what became of each resource.
class PlanKeeper : public RunObserver {
 public:
  // host: its name in events; those of others are passed over.
  explicit PlanKeeper(std::string host = "local", GetPlanKey key = {})
      : host_(std::move(host)), get_key_(std::move(key)) {}
  // Its plays, by their place in the playbook. To be called before the pass.
  void set_plays(std::vector<std::size_t> plays) { own_ = std::move(plays); }
  void pass_begins(bool) override {}
  void inspected(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe) override;
  void recovers(const Inspection& seen, const std::vector<Action>& actions) override;
  void about_to_act() override {}
  void take(const Event& event);

  // Error where the key could not be had.
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

// Lets a run do what a plan said, and nothing else.
//
// In the pass on what-if, a resource for which something would be done is refused where it was planned with other
// parameters, on another ground, or with other actions. In the real pass, where it would change what the plan did not
// say; that less is left to do is fine. A resource that was unknown in the plan may do what it then finds needed.
class PlanGuard : public RunObserver {
 public:
  // all_or_nothing: one refusal, a resource that fails, or that the plan has and that is not there: and nothing is begun.
  // host: whose part it is, its name in events. The plan must outlive it.
  PlanGuard(const PlanFile& plan, bool all_or_nothing, const std::string& host = "local", GetPlanKey key = {});
  void pass_begins(bool real) override { real_ = real; }
  void inspected(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe) override;
  void recovers(const Inspection& seen, const std::vector<Action>& actions) override;
  void finished(std::size_t play, const std::string& label, Outcome outcome, const std::string& reason) override;
  void about_to_act() override;

  // Whether all_or_nothing kept the run from beginning, or would have; for what.
  bool holds_back() const { return all_or_nothing_ && !real_ && !held_back_by().empty(); }
  std::string why_held_back() const;
  // Files beside the playbook that are no longer what they were.
  void set_changed_sources(std::vector<std::string> paths) { changed_sources_ = std::move(paths); }

 private:
  using Place = std::pair<std::size_t, std::string>;
  std::string objection(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe);
  std::string other_secret(const PlannedResource& planned, const Inspection& seen);
  Preconditions ground_of(const Inspection& seen);
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

// The texts that a plan holds; other files, which must be as they were, from where they lie.
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
// Of the files beside the plan's playbook, those that are no longer what they were.
std::vector<std::string> changed_sources(const PlanFile& plan);

}  // namespace mlops
