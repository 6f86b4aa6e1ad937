#include "resource/parent_folder.hpp"

#include <fmt/format.h>

#include "domains/files/paths.hpp"

namespace mlops {

std::string missing_parent(const std::string& path, const FileReader& files) {
  const std::string folder(folder_of(path));
  return folder == "/" || files.exists(folder) ? "" : folder;
}

Error no_parent(const std::string& missing, const std::string& path) {
  return Error(fmt::format(
      "{} does not exist, so {} cannot be made: give it a directory resource before this one", missing, path));
}

}  // namespace mlops
