#include "domains/files/trusted_folder.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <deque>

#include "base/path_parts.hpp"

namespace mlops {
namespace {

// In a sticky folder: whether an existing entry is meant, which is safe, or one that is yet to be created.
enum class Sticky { safe, open };

// The problem with one step, for root; "" for none.
std::string wrong_with(const std::string& path, const FileStatus& status, Sticky sticky) {
  if (status.owner != "root") return fmt::format("{} belongs to {}", path, status.owner);
  if (sticky == Sticky::safe && (status.mode & S_ISVTX)) return "";
  if (status.mode & S_IWOTH) return fmt::format("{} is writable by everyone (mode {:04o})", path, status.mode);
  if (status.mode & S_IWGRP)
    return fmt::format("{} is writable by the group {} (mode {:04o})", path, status.group, status.mode);
  return "";
}

}  // namespace

std::optional<std::string> distrust_folder(const FileReader& files, const std::string& path) {
  std::deque<std::string> ahead = path_parts(path);
  std::string at;  // as in judge
  for (int links = 0;;) {
    for (; !ahead.empty() && (ahead.front() == "." || ahead.front() == ".."); ahead.pop_front())
      if (ahead.front() == "..") at.resize(at.empty() ? 0 : at.rfind('/'));
    const std::string folder = at.empty() ? "/" : at;
    const auto next = ahead.empty() ? std::nullopt : files.view(at + "/" + ahead.front(), 0);
    if (const auto status = files.status(folder))
      if (std::string wrong = wrong_with(folder, *status, next ? Sticky::safe : Sticky::open); !wrong.empty())
        return wrong;
    if (!next) return std::nullopt;
    const std::string name = at + "/" + ahead.front();
    ahead.pop_front();
    if (next->status.type != FileType::symlink) {
      at = name;
      continue;
    }
    if (next->status.owner != "root") return fmt::format("{} belongs to {}", name, next->status.owner);
    if (++links > most_links) return std::nullopt;
    const std::deque<std::string> more = path_parts(next->target);
    ahead.insert(ahead.begin(), more.begin(), more.end());
    if (next->target.starts_with('/')) at.clear();
  }
}

}  // namespace mlops
