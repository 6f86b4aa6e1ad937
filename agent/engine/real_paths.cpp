#include "engine/real_paths.hpp"

#include <algorithm>

#include "domains/files/paths.hpp"

namespace mlops {
namespace {

// Also absent where it cannot be determined.
std::optional<std::string> resolved(const std::string& path, const FileReader& files) try {
  return files.resolve(path);
} catch (const Error&) {
  return std::nullopt;
} catch (const Unknown&) {
  return std::nullopt;
}

}  // namespace

const std::string& RealPaths::folder(const std::string& path, const FileReader& files) {
  if (const auto known = folders_.find(path); known != folders_.end()) return known->second;
  std::string real = path;
  if (path != "/") {
    if (auto found = resolved(path, files))
      real = *std::move(found);
    else
      real = join_path(folder(std::string(folder_of(path)), files), name_of(path));
  }
  return folders_.emplace(path, std::move(real)).first->second;
}

Claims RealPaths::renamed(const Claims& claims, const FileReader& files,
                          const std::vector<std::string>& links) {
  Claims renamed;
  for (const Claim& claim : claims) {
    if (claim.kind != Claim::Kind::path || claim.key.empty() || claim.key == "/") continue;
    const std::string asked(folder_of(claim.key));
    const std::string& real = folder(asked, files);
    std::string key = real == asked ? claim.key : join_path(real, name_of(claim.key));
    if (std::find(links.begin(), links.end(), claim.key) != links.end())
      if (auto target = resolved(claim.key, files)) key = *std::move(target);
    if (key == claim.key) continue;
    renamed.push_back(claim);
    renamed.back().key = std::move(key);
  }
  return renamed;
}

}  // namespace mlops
