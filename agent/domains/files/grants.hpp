// Rights on a file or folder beyond its mode.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlops {

struct Grants {
  std::string capabilities;      // of a program, capabilities(7): "cap_net_raw=ep"; "" for none
  std::vector<std::string> acl;  // entries beyond the mode's, acl(5): "user:ada:rw-", "default:group:ops:r-x"
  std::optional<std::uint32_t>
      acl_group;  // with an ACL: the owning group's own rights, 0 to 7, at most the mask's
  friend bool operator==(const Grants&, const Grants&) = default;
};

}  // namespace mlops
