// Walking a path by hand, component by component.
#pragma once

#include <deque>
#include <string>

namespace mlops {

constexpr int most_links = 40;  // that may be followed on the way, as in the kernel (path_resolution(7))

// The components of a path, without slashes; "." and ".." among them.
std::deque<std::string> path_parts(const std::string& path);

}  // namespace mlops
