#include "model/attributes.hpp"

#include <fmt/format.h>

namespace mlops {

std::string octal(std::uint32_t mode) { return fmt::format("{:04o}", mode); }

SetAttributes differing_attributes(const std::string& path, const WantedAttributes& wanted, std::uint32_t mode,
                                   const std::string& owner, const std::string& group,
                                   std::vector<Change>& changes) {
  SetAttributes set{.path = path};
  if (wanted.mode && *wanted.mode != mode) {
    changes.push_back({.property = "mode", .before = octal(mode), .after = octal(*wanted.mode)});
    set.mode = wanted.mode;
  }
  if (wanted.owner && *wanted.owner != owner) {
    changes.push_back({.property = "owner", .before = owner, .after = *wanted.owner});
    set.owner = *wanted.owner;
  }
  if (wanted.group && *wanted.group != group) {
    changes.push_back({.property = "group", .before = group, .after = *wanted.group});
    set.group = *wanted.group;
  }
  return set;
}

}  // namespace mlops
