// Paths as text: absolute and normalised ones.
#pragma once

#include <string>
#include <string_view>

#include "base/path_parts.hpp"

namespace mlops {

inline constexpr std::size_t name_limit = 255;  // bytes of one component: NAME_MAX

// The folder above: "/a" for "/a/b", "/" for "/a" and for "/" itself.
inline std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? std::string_view("/") : path.substr(0, slash);
}
// The path of name in the folder.
inline std::string join_path(std::string_view folder, std::string_view name) {
  std::string path(folder == "/" ? "" : folder);
  return (path += '/') += name;
}
// Whether path is the folder itself or below it.
inline bool is_within(std::string_view path, std::string_view folder) {
  return folder == "/" ||
         (path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/'));
}

}  // namespace mlops
