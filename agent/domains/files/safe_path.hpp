// Walking to a path without being led astray by links that others planted (systemd's CHASE_SAFE).
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

namespace mlops {

// Opens folders component by component with openat(O_PATH | O_NOFOLLOW) and remembers them. When the walker is
// strict (it acts as root), Error unsafe_path, which names the step, is
// - a step, a link's target included, from something owned by an unprivileged user to something owned by
// another;
// - a step from a folder that everyone may write to into what neither root nor the person owns.
// Strict is for root: links are judged as root's then, whoever reads ahead for it.
// Strict or not, a link in a sticky folder that everyone may write to is followed only when the acting user or
// the folder's owner owns it (the kernel's fs.protected_symlinks, which stepwise walking would pass by).
class Walker {
 public:
  explicit Walker(bool strict, uid_t person = 0);
  ~Walker();
  Walker(const Walker&) = delete;
  Walker& operator=(const Walker&) = delete;

  // The folder that holds the path's last component, links before it followed.
  struct Place {
    int folder = -1;   // O_PATH; open as long as this lives
    uid_t owner = 0;   // of the folder
    std::string name;  // the last component; "." for the root folder
    std::shared_ptr<const void> open;
  };
  // Absent when a folder on the way is absent or no folder. Error denied, unsafe_path.
  std::optional<Place> place(const std::string& path);
  // As place, and a final link followed as far as it is trusted: the place of what it points at, which may be
  // absent itself. A loop (more than 40 links) is an Error.
  std::optional<Place> target_place(const std::string& path);
  // The canonical path of what target_place finds; absent when it does not exist or links go round.
  std::optional<std::string> canonical(const std::string& path);
  // Drops what is remembered: after anything that may have changed folders.
  void forget();
  // The path as every link before the last component is replaced; for messages and identities.
  std::optional<std::string> canonical_folder(const std::string& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What is to become of an entry: whom and which mode it gets. Owners are uids, or names.
template <class Id>
struct HandOver {
  std::optional<Id> owner, group;  // absent: they stay
  std::optional<mode_t> mode;
};
// An entry and the folder that it lies in, as they are.
template <class Id>
struct EntryInFolder {
  Id owner, group;
  mode_t mode = 0;
  Id folder_owner;
  mode_t folder_mode = 0;
};
// Whether root would give away what may be a third person's: whoever may write to a folder that is not root's
// may have moved there what belongs neither to the folder's owner nor to who is to have it.
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
// What is said then.
std::string given_away(const std::string& path, const std::string& owner);

}  // namespace mlops
