// The saved plan of a run: the one that it writes, or the one that it keeps to.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host_run/planning.hpp"
#include "runs/playbook_run.hpp"

namespace mlops {

// The run does not take place; nothing was changed.
class RunRefused : public Error {
 public:
  RunRefused(RunEnd end, std::string message) : Error(std::move(message)), end_(end) {}
  RunEnd end() const { return end_; }

 private:
  RunEnd end_;
};

// Does nothing with neither `out` nor a plan.
class RunPlan {
 public:
  // If the playbook of the request is a saved plan, fills in the request that it was made with. RunRefused if
  // the plan, or an option given with it, is refused. The request must outlive it.
  explicit RunPlan(RunRequest& request);
  ~RunPlan();

  // Passes on to the hosts whether other machines save or enforce a plan. Call once, before the playbook is
  // read.
  void attach(RunHosts& hosts);
  // The source to read the playbook with.
  const FileSource& files(const RunHosts& hosts) const;
  // The environment variables that the plan was made with.
  std::optional<std::map<std::string, std::string>> environment() const;
  RunObserver* observer() const;
  // The sink, wrapped to record what a plan needs. Call after set_plays.
  EventSink recording(EventSink sink);
  // Call after the playbook was read, before the run.
  void set_plays(const Playbook& playbook, const RunHosts& hosts);
  // Whether all_or_nothing prevents the whole run.
  bool holds_back() const { return guard_ && guard_->holds_back(); }
  // Writes the plan, and adds to the result how that went.
  void conclude(const Playbook& playbook, const RunHosts& hosts, RunResult& result) const;

 private:
  void take(RunRequest& request);
  PlanFile made(const Playbook& playbook, const RunHosts& hosts) const;

  const RunRequest& request_;
  std::optional<PlanFile> plan_;         // the plan to keep to
  std::vector<std::string> distrusted_;  // why its file is not trusted when running as root
  std::unique_ptr<PlanKeeper> keeper_;
  std::vector<PlanKeeper> awaited_;  // of hosts that the run has to bring into being
  std::unique_ptr<PlanGuard> guard_;
  std::unique_ptr<PlannedFiles> files_;
};

}  // namespace mlops
