// Writes that wait to be performed together, so that they share their syncs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/attempt_result.hpp"
#include "engine/convergence.hpp"
#include "engine/instance.hpp"
#include "engine/run_context.hpp"
#include "engine/step_performer.hpp"

namespace mlops {

// Instances wait in the order of the playbook: those with one write to do, and between them those that have
// nothing to do, whose events come in that order too. All are of one type, and those with writes of one
// identity.
class WriteBatch {
 public:
  // Called with the result of each instance that waited, in their order.
  using Conclude = std::function<void(Instance& instance, AttemptResult result)>;
  // All must outlive it.
  WriteBatch(const RunContext& context, StepPerformer& performer, Convergence& convergence,
             const Failures& failures, Conclude conclude)
      : context_(context),
        performer_(performer),
        convergence_(convergence),
        failures_(failures),
        conclude_(std::move(conclude)) {}

  bool empty() const { return waiting_.empty(); }
  // Whether such a resource may wait: its values are plain, of the type of those that wait already, and nothing
  // needs to know before how it went.
  bool accepts(const Resource& resource) const;
  // Whether it acts as those that wait do.
  bool accepts(const Identity& identity) const;
  // Whether the instance looks at something that is still to be written.
  bool is_awaited_by(const Instance& instance) const;

  // Lets an accepted instance wait; performs all when there are 256.
  void add(Instance instance, attempted::Waiting write);
  // Performs what waits. When cancelled, writes are dropped without a result: they have not begun.
  void perform();

 private:
  struct Entry {
    Instance instance;
    attempted::Waiting write;  // without actions: it is ok
    bool is_write() const { return !write.diff.actions.empty(); }
  };
  void conclude_write(Entry& entry, const std::optional<Error>& error);

  const RunContext& context_;
  StepPerformer& performer_;
  Convergence& convergence_;
  const Failures& failures_;
  Conclude conclude_;
  std::vector<Entry> waiting_;
};

}  // namespace mlops
