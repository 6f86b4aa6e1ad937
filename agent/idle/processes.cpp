#include "idle/processes.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/proc_file.hpp"

namespace mlops {
namespace {

struct CloseProc {
  void operator()(DIR* d) const { ::closedir(d); }
};
using Folder = std::unique_ptr<DIR, CloseProc>;

template <class T>
std::optional<T> decimal(std::string_view text) {
  T value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// "812 (a name (of) any kind) S 1 …": the name ends at the last parenthesis.
std::optional<ProcessEntry> parse_stat(int pid, std::uint32_t uid, const std::string& text) {
  const std::size_t from = text.find('('), to = text.rfind(')');
  int parent = 0;
  char state = 0;
  if (from == text.npos || to == text.npos || to < from) return std::nullopt;
  if (std::sscanf(text.c_str() + to + 1, " %c %d", &state, &parent) != 2) return std::nullopt;
  if (state == 'Z' || state == 'X') return std::nullopt;
  return ProcessEntry{pid, parent, uid, text.substr(from + 1, to - from - 1)};
}

}  // namespace

std::vector<ProcessEntry> list_processes(const std::string& proc) {
  const Folder folder(::opendir(proc.c_str()));
  if (!folder) throw system_error("listing " + proc, errno);
  std::vector<ProcessEntry> all;
  while (const dirent* entry = ::readdir(folder.get())) {
    const auto pid = decimal<int>(entry->d_name);
    struct stat status {};
    const std::string path = fmt::format("{}/{}", proc, entry->d_name);
    if (!pid || ::stat(path.c_str(), &status) != 0) continue;
    if (const auto one = parse_stat(*pid, status.st_uid, read_proc_file(path + "/stat"))) all.push_back(*one);
  }
  if (all.empty()) throw Error(proc + " shows no process");
  return all;
}

std::set<std::uint64_t> open_sockets(int pid, const std::string& proc) {
  constexpr std::string_view prefix = "socket:[";
  const std::string path = fmt::format("{}/{}/fd", proc, pid);
  const Folder folder(::opendir(path.c_str()));
  std::set<std::uint64_t> inodes;
  if (!folder && (errno == ENOENT || errno == ESRCH)) return inodes;
  if (!folder) throw system_error("listing " + path, errno);
  while (const dirent* entry = ::readdir(folder.get())) {
    std::array<char, 64> target{};
    const ssize_t size = ::readlinkat(::dirfd(folder.get()), entry->d_name, target.data(), target.size());
    if (size <= 0) continue;
    std::string_view text(target.data(), static_cast<std::size_t>(size));
    if (!text.starts_with(prefix) || !text.ends_with(']')) continue;
    text = text.substr(prefix.size(), text.size() - prefix.size() - 1);
    if (const auto inode = decimal<std::uint64_t>(text)) inodes.insert(*inode);
  }
  return inodes;
}

}  // namespace mlops
