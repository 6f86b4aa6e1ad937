// A path's components, and walking it by hand, one after the other.
#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace mlops {

constexpr int most_links = 40;  // that may be followed on the way, as in the kernel (path_resolution(7))

// The last component: "b" for "/a/b" and for "b", "" for "/" and for "a/".
inline std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }
// The components of a path, without slashes; "." and ".." among them.
std::deque<std::string> path_parts(const std::string& path);

}  // namespace mlops
