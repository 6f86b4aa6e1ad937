#include "domains/files/attributes.hpp"

#include <fmt/format.h>

namespace mlops {
namespace {

constexpr std::uint32_t set_id_bits = 06000, group_bits = 0070;

Value list_of(const std::vector<std::string>& entries) { return Value::Array(entries.begin(), entries.end()); }

}  // namespace

std::string octal(std::uint32_t mode) { return fmt::format("{:04o}", mode); }

Handover handover(const WantedAttributes& wanted, const std::string& owner, const std::string& group,
                  bool content) {
  return {wanted.owner && *wanted.owner != owner, wanted.group && *wanted.group != group, content};
}

std::uint32_t mode_after(std::uint32_t mode, bool folder, const Handover& handover,
                         std::optional<std::uint32_t> acl_group) {
  if (!folder && handover.any()) mode &= ~set_id_bits;
  if (handover.owner && acl_group) mode &= ~group_bits | *acl_group << 3;
  return mode;
}

Grants grants_after(const Grants& grants, bool folder, const Handover& handover) {
  Grants left = grants;
  if (!folder && handover.any()) left.capabilities.clear();
  if (handover.owner) {
    left.acl.clear();
    left.acl_group.reset();
  }
  return left;
}

SetAttributes differing_attributes(const std::string& path, const WantedAttributes& wanted,
                                   const CurrentAttributes& current, bool content,
                                   std::vector<Change>& changes) {
  SetAttributes set{.path = path};
  const Handover over = handover(wanted, current.owner, current.group, content);
  const std::uint32_t left = mode_after(current.mode, current.folder, over, current.grants.acl_group);
  const std::uint32_t mode = wanted.mode.value_or(left);
  if (mode != current.mode)
    changes.push_back({.property = "mode", .before = octal(current.mode), .after = octal(mode)});
  // A value that is already right must be set too, if the handover would lose it.
  if (wanted.mode && (*wanted.mode != current.mode || *wanted.mode != left)) set.mode = wanted.mode;
  if (over.owner) {
    changes.push_back({.property = "owner", .before = current.owner, .after = *wanted.owner});
    set.owner = *wanted.owner;
  }
  if (over.group) {
    changes.push_back({.property = "group", .before = current.group, .after = *wanted.group});
    set.group = *wanted.group;
  }
  const Grants kept = grants_after(current.grants, current.folder, over);
  if (kept.capabilities != current.grants.capabilities)
    changes.push_back({.property = "capabilities", .before = current.grants.capabilities, .after = {}});
  if (kept.acl != current.grants.acl)
    changes.push_back(
        {.property = "access list", .before = list_of(current.grants.acl), .after = Value::Array{}});
  if (content && current.links > 1)
    changes.push_back({.property = "hard links",
                       .before = static_cast<std::int64_t>(current.links),
                       .after = std::int64_t{1}});
  return set;
}

}  // namespace mlops
