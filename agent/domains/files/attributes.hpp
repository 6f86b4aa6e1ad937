// Mode, owner and group of a path: the differences, and the action that corrects them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domains/diff.hpp"
#include "domains/files/actions.hpp"
#include "domains/files/grants.hpp"

namespace mlops {

// Absent is unmanaged. Owners and groups are compared by name.
struct WantedAttributes {
  std::optional<std::uint32_t> mode;  // permission bits
  std::optional<std::string> owner, group;
};

struct CurrentAttributes {
  std::uint32_t mode = 0;
  std::string owner, group;
  bool folder = false;
  std::uint64_t links = 1;  // hard links to the file
  Grants grants;            // needed only for a handover
};

// "0644": permission bits as people write them.
std::string octal(std::uint32_t mode);

// Changes after which an entry must not keep all its rights.
struct Handover {
  bool owner = false, group = false, content = false;  // whether it is replaced
  bool any() const { return owner || group || content; }
};
Handover handover(const WantedAttributes& wanted, const std::string& owner, const std::string& group,
                  bool content);

// The mode that remains if none is given. A file loses the set-user-ID and set-group-ID bits on any handover,
// as the kernel does for unprivileged users (chown(2), write(2)): its former owner chose them. A folder keeps
// them: they grant no rights. If the owner changes, an entry loses its ACL, and its group then gets no more
// than the ACL allowed it.
std::uint32_t mode_after(std::uint32_t mode, bool folder, const Handover& handover,
                         std::optional<std::uint32_t> acl_group);
// What remains otherwise: a file loses its capabilities on any handover, an entry its ACL if the owner changes.
Grants grants_after(const Grants& grants, bool folder, const Handover& handover);

// Adds a change for each attribute that differs, or is lost by the handover, and returns the action that sets
// the desired ones. `content`: the file is rewritten.
SetAttributes differing_attributes(const std::string& path, const WantedAttributes& wanted,
                                   const CurrentAttributes& current, bool content,
                                   std::vector<Change>& changes);

}  // namespace mlops
