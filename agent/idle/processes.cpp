#include "idle/processes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "idle/folder_names.hpp"

namespace mlops {
namespace {

constexpr std::size_t largest_text = 16 * 1024;  // bytes of a process's file
constexpr std::size_t most_files = 100'000;      // of a process

template <class T>
std::optional<T> decimal(std::string_view text) {
  T value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool has_ended(int error) { return error == ENOENT || error == ESRCH; }

// A file of a process; absent if that has ended.
std::optional<std::string> read_of_process(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> part;
  std::string text;
  while (file) {
    const ssize_t size = ::read(file.get(), part.data(), part.size());
    if (size == 0) return text;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) break;
    text.append(part.data(), std::min(static_cast<std::size_t>(size), largest_text - text.size()));
    if (text.size() == largest_text) return text;
  }
  if (has_ended(errno)) return std::nullopt;
  throw system_error("reading " + path, errno);
}

// "812 (a name (of) any kind) S 1 …": the name ends at the last parenthesis. Absent for one that has ended.
std::optional<ProcessEntry> parse_stat(int pid, std::uint32_t uid, const std::string& text) {
  const std::size_t from = text.find('('), to = text.rfind(')');
  int parent = 0;
  char state = 0;
  if (from == text.npos || to == text.npos || to < from ||
      std::sscanf(text.c_str() + to + 1, " %c %d", &state, &parent) != 2)
    throw Error(fmt::format("the state of process {} makes no sense", pid));
  if (state == 'Z' || state == 'X') return std::nullopt;
  return ProcessEntry{pid, parent, uid, text.substr(from + 1, to - from - 1)};
}

std::optional<ProcessEntry> look_at(int pid, const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (has_ended(errno)) return std::nullopt;
    throw system_error("looking at " + path, errno);
  }
  const auto text = read_of_process(path + "/stat");
  return text ? parse_stat(pid, status.st_uid, *text) : std::nullopt;
}

}  // namespace

std::vector<ProcessEntry> list_processes(const std::string& proc) {
  const Handle folder(::open(proc.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) throw system_error("listing " + proc, errno);
  std::vector<ProcessEntry> all;
  const int error = for_each_name(folder.get(), [&](const char* name) {
    if (const auto pid = decimal<int>(name))
      if (const auto one = look_at(*pid, fmt::format("{}/{}", proc, name))) all.push_back(*one);
    return true;
  });
  if (error != 0) throw system_error("listing " + proc, error);
  if (all.empty()) throw Error(proc + " shows no process");
  return all;
}

std::vector<std::string> command_line(int pid, const std::string& proc) {
  const std::string text = read_of_process(fmt::format("{}/{}/cmdline", proc, pid)).value_or("");
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::set<std::uint64_t> open_sockets(int pid, const std::string& proc) {
  constexpr std::string_view prefix = "socket:[";
  const std::string path = fmt::format("{}/{}/fd", proc, pid);
  const Handle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::set<std::uint64_t> inodes;
  if (!folder && has_ended(errno)) return inodes;
  if (!folder) throw system_error("listing " + path, errno);
  std::size_t seen = 0;
  const int error = for_each_name(folder.get(), [&](const char* name) {
    std::array<char, 64> target{};
    const ssize_t size = ::readlinkat(folder.get(), name, target.data(), target.size());
    if (size <= 0) return true;  // closed meanwhile
    if (++seen > most_files) throw Error(fmt::format("process {} has too many files open", pid));
    std::string_view text(target.data(), static_cast<std::size_t>(size));
    if (!text.starts_with(prefix) || !text.ends_with(']')) return true;
    text = text.substr(prefix.size(), text.size() - prefix.size() - 1);
    if (const auto inode = decimal<std::uint64_t>(text)) inodes.insert(*inode);
    return true;
  });
  if (error != 0 && !has_ended(error)) throw system_error("listing " + path, error);
  return inodes;
}

}  // namespace mlops
