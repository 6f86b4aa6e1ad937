#include "engine/notifications.hpp"

#include <algorithm>

namespace mlops {
namespace {

bool has_id(const Playbook& playbook, const std::string& id) {
  return std::any_of(playbook.plays.begin(), playbook.plays.end(), [&](const Play& play) {
    return std::any_of(play.resources.begin(), play.resources.end(),
                       [&](const Resource& resource) { return resource.id == id; });
  });
}

}  // namespace

Notifications::Notifications(const std::vector<PendingNotification>& earlier) {
  for (const PendingNotification& one : earlier) {
    Notification& notification = pending_[one.target];
    notification.certain = true;
    notification.note += (notification.note.empty() ? "" : ", ") + one.source;
  }
  for (auto& [id, notification] : pending_)
    notification.note = "notified by " + notification.note + " in an earlier run";
}

void Notifications::notify(const std::vector<std::string>& ids, const std::string& source, bool certain) {
  for (const std::string& id : ids) {
    Notification& notification = pending_[id];
    notification.certain = notification.certain || certain;
    if (!certain) notification.maybe.push_back(source);
  }
}

std::optional<Notification> Notifications::of(const std::string& id) const {
  const auto found = pending_.find(id);
  return found == pending_.end() ? std::nullopt : std::optional(found->second);
}

bool Notifications::deliver(const std::string& id) { return pending_.erase(id) > 0; }

std::vector<std::string> missing_targets(std::span<const PendingNotification> earlier,
                                         const Playbook& playbook) {
  std::vector<std::string> targets;
  for (const PendingNotification& one : earlier)
    if (!has_id(playbook, one.target)) targets.push_back(one.target);
  return targets;
}

}  // namespace mlops
