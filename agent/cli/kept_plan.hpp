// `plan --out FILE`, and `apply FILE` of what it wrote.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/apply.hpp"
#include "runs/planning.hpp"

namespace mlops {

// Where the playbook of the options is a plan file, fills in what it was made with. The exit status where it, or an
// option beside it, is refused; the person has been told.
std::optional<int> take_plan(ApplyOptions& options);

// The part of a plan file in one `plan` or `apply`. With neither --out nor a plan it does nothing.
class KeptPlan {
 public:
  // The options must outlive it. The hosts learn what other machines are to keep or to hold to.
  KeptPlan(const ApplyOptions& options, RunHosts& hosts);
  ~KeptPlan();

  // What the playbook is to be read with.
  const FileSource& files(const RunHosts& hosts) const;
  RunObserver* observer() const;
  // The sink, with what a plan has to know taken on the way.
  EventSink told(EventSink sink) const;
  // To be called when the playbook was read, before the run.
  void set_plays(const Playbook& playbook, const RunHosts& hosts) const;
  // Whether --all-or-nothing keeps all of it from being done.
  bool holds_back() const { return guard_ && guard_->holds_back(); }
  // Writes the plan; status: of the run. Returns the one to end with.
  int conclude(const Playbook& playbook, const RunHosts& hosts, int status) const;

 private:
  const ApplyOptions& options_;
  std::unique_ptr<PlanKeeper> keeper_;
  std::unique_ptr<PlanGuard> guard_;
  std::unique_ptr<PlannedFiles> files_;
};

}  // namespace mlops
