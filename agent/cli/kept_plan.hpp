// `plan --out FILE`, and `apply FILE` of what it wrote.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/apply.hpp"
#include "runs/planning.hpp"

namespace mlops {

// If the playbook of the options is a plan file, fills in the options that it was made with. The exit status if
// it, or an option given with it, is refused; the person has been told.
std::optional<int> take_plan(ApplyOptions& options);

// The handling of a plan file in one `plan` or `apply`. Does nothing with neither --out nor a plan.
class KeptPlan {
 public:
  // The options must outlive it. Passes on to hosts whether other machines save or enforce a plan.
  KeptPlan(const ApplyOptions& options, RunHosts& hosts);
  ~KeptPlan();

  // The source to read the playbook with.
  const FileSource& files(const RunHosts& hosts) const;
  RunObserver* observer() const;
  // The sink, wrapped to record what a plan needs.
  EventSink told(EventSink sink) const;
  // Call after the playbook was read, before the run.
  void set_plays(const Playbook& playbook, const RunHosts& hosts) const;
  // Whether --all-or-nothing prevents the whole run.
  bool holds_back() const { return guard_ && guard_->holds_back(); }
  // Writes the plan; status: of the run. Returns the final exit status.
  int conclude(const Playbook& playbook, const RunHosts& hosts, int status) const;

 private:
  const ApplyOptions& options_;
  std::unique_ptr<PlanKeeper> keeper_;
  std::unique_ptr<PlanGuard> guard_;
  std::unique_ptr<PlannedFiles> files_;
};

}  // namespace mlops
