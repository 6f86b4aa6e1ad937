// Mode, owner and group of something that has a path: what differs, and the action that mends it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/action.hpp"
#include "model/change.hpp"

namespace mlops {

// Absent is unmanaged. Owners and groups are compared by name.
struct WantedAttributes {
  std::optional<std::uint32_t> mode;  // permission bits
  std::optional<std::string> owner, group;
};

// "0644": permission bits as people write them.
std::string octal(std::uint32_t mode);

// Adds a change for each attribute that differs, and returns the action that sets just those.
SetAttributes differing_attributes(const std::string& path, const WantedAttributes& wanted, std::uint32_t mode,
                                   const std::string& owner, const std::string& group,
                                   std::vector<Change>& changes);

}  // namespace mlops
