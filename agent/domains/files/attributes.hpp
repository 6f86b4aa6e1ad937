// Mode, owner and group of something that has a path: what differs, and the action that mends it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domains/action.hpp"
#include "domains/diff.hpp"
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
  std::uint64_t links = 1;  // names of a file
  Grants grants;            // need to be known only where a handover is due
};

// "0644": permission bits as people write them.
std::string octal(std::uint32_t mode);

// What changes about an entry that it must not keep all its rights through.
struct Handover {
  bool owner = false, group = false, content = false;  // another one
  bool any() const { return owner || group || content; }
};
Handover handover(const WantedAttributes& wanted, const std::string& owner, const std::string& group,
                  bool content);

// The mode that is left where none is asked for. A file loses the set-user-ID and set-group-ID bits with any
// handover, as the kernel has it for who is not privileged (chown(2), write(2)): its former owner chose them. A
// folder keeps them: they give nobody rights. With its owner an entry loses its ACL, and its group then gets no
// more than the ACL gave it.
std::uint32_t mode_after(std::uint32_t mode, bool folder, const Handover& handover,
                         std::optional<std::uint32_t> acl_group);
// What is left of the rest: a file loses its capabilities with any handover, an entry its ACL with its owner.
Grants grants_after(const Grants& grants, bool folder, const Handover& handover);

// Adds a change for each attribute that differs, or is lost by the handover, and returns the action that sets
// those that are wanted. `content`: the file is written anew.
SetAttributes differing_attributes(const std::string& path, const WantedAttributes& wanted,
                                   const CurrentAttributes& current, bool content,
                                   std::vector<Change>& changes);

}  // namespace mlops
