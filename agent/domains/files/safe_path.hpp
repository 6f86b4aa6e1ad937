// Resolves paths without following links that other users planted (systemd's CHASE_SAFE).
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

namespace mlops {

// Opens folders component by component with openat(O_PATH | O_NOFOLLOW) and caches them. If the walker is
// strict (it runs as root), these are an Error unsafe_path, which names the step:
// - a step, a link's target included, from something owned by an unprivileged user to something owned by
// another;
// - a step from a world-writable folder into what neither root nor the person owns.
// Strict is for root: links are judged as if root followed them, even if another user reads on its behalf.
// Strict or not, a link in a sticky, world-writable folder is followed only if the acting user or
// the folder's owner owns it (the kernel's fs.protected_symlinks, which stepwise walking would bypass).
class Walker {
 public:
  explicit Walker(bool strict, uid_t person = 0);
  ~Walker();
  Walker(const Walker&) = delete;
  Walker& operator=(const Walker&) = delete;

  // The folder that contains the path's last component, links before it followed.
  struct Place {
    int folder = -1;   // O_PATH; open as long as this lives
    uid_t owner = 0;   // of the folder
    std::string name;  // the last component; "." for the root folder
    std::shared_ptr<const void> open;
  };
  // Absent if a parent is absent or not a folder. Error denied, unsafe_path.
  std::optional<Place> place(const std::string& path);
  // As place, and a final link followed if it is trusted: the place of its target, which may itself be absent.
  // A loop (more than 40 links) is an Error.
  std::optional<Place> target_place(const std::string& path);
  // The canonical path of what target_place finds; absent if it does not exist or links form a loop.
  std::optional<std::string> canonical(const std::string& path);
  // Drops the cache: call after anything that may have changed folders.
  void forget();
  // The canonical path of the folder that place finds; absent as there, or if links form a loop.
  std::optional<std::string> canonical_folder(const std::string& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The owner and mode that an entry is to get. Owners are uids, or names.
template <class Id>
struct HandOver {
  std::optional<Id> owner, group;  // absent: unchanged
  std::optional<mode_t> mode;
};
// An entry and its folder in their current state.
template <class Id>
struct EntryInFolder {
  Id owner, group;
  mode_t mode = 0;
  Id folder_owner;
  mode_t folder_mode = 0;
};
// Whether root would give away a file that may be a third user's: anyone who can write to a folder that is not
// root's may have moved a file there that belongs neither to the folder's owner nor to the new owner.
template <class Id>
bool gives_away(const EntryInFolder<Id>& entry, const HandOver<Id>& wanted, const Id& root) {
  constexpr mode_t everyone = 0002, sticky = 01000;
  const bool open = (entry.folder_mode & everyone) != 0;
  if (entry.folder_owner == root && !open) return false;
  const bool moved_by_owner_alone = !open || (entry.folder_mode & sticky) != 0;
  if (entry.owner == entry.folder_owner && moved_by_owner_alone) return false;
  if (wanted.owner) return entry.owner != *wanted.owner;
  return (wanted.group && entry.group != *wanted.group) ||
         (wanted.mode && (*wanted.mode & ~entry.mode & 0777) != 0);
}
// The error text for that.
std::string given_away(const std::string& path, const std::string& owner);

}  // namespace mlops
