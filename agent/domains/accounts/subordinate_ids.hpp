// subuid(5) and subgid(5): the ranges of ids that a user may map in a user namespace.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// The user's ranges in the file's text, "FIRST:COUNT", in file order; ranges listed by the user's number are
// not included.
std::vector<std::string> subordinate_ids(std::string_view text, std::string_view user);

}  // namespace mlops
