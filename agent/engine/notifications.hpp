// Which resources were notified by earlier ones, and have not acted yet.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "machine/journal.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

// How one resource was notified.
struct Notification {
  bool certain = false;            // false: it is only known that those of maybe may notify
  std::vector<std::string> maybe;  // labels
  std::string note;                // "notified by file[a] in an earlier run"; "" if none of those did
};

class Notifications {
 public:
  // earlier: those that earlier runs did not deliver.
  explicit Notifications(const std::vector<PendingNotification>& earlier);

  // certain: the source changed; else it is not known yet whether it will.
  void notify(const std::vector<std::string>& ids, const std::string& source, bool certain);
  // Absent if nothing notified the resource with this id.
  std::optional<Notification> of(const std::string& id) const;
  // The resource has acted. Returns whether a notification was pending.
  bool deliver(const std::string& id);

 private:
  std::map<std::string, Notification> pending_;  // by the id of the notified resource
};

// The targets of earlier notifications that are no longer in the playbook.
std::vector<std::string> missing_targets(std::span<const PendingNotification> earlier,
                                         const Playbook& playbook);

}  // namespace mlops
