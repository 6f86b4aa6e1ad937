#include "idle/keep.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "idle/state.hpp"

namespace mlops {
namespace {

constexpr mode_t everybody_own = 01777;
constexpr std::size_t longest_request = 64;   // bytes: a boot's id, a blank, seconds
constexpr std::size_t most_requests = 10000;  // files that are read at once

struct CloseRequests {
  void operator()(DIR* d) const { ::closedir(d); }
};

Handle open_folder(const std::string& folder) {
  Handle at(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!at) throw system_error("opening " + folder, errno);
  return at;
}

std::vector<std::string> names_in(const Handle& folder) {
  const int copy = ::fcntl(folder.get(), F_DUPFD_CLOEXEC, 3);
  const std::unique_ptr<DIR, CloseRequests> list(copy < 0 ? nullptr : ::fdopendir(copy));
  if (!list) throw system_error("listing a folder", errno);
  ::rewinddir(list.get());
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(list.get())) {
    if (names.size() == most_requests)
      throw Error(fmt::format("more than {} requests lie there", most_requests));
    if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
      names.emplace_back(entry->d_name);
  }
  return names;
}

// The time in a request of this boot; absent for everything else. It opens no device and waits for no pipe.
std::optional<std::uint64_t> time_in(const Handle& folder, const std::string& name, const std::string& boot) {
  const Handle file(::openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  char buffer[longest_request + 1];
  const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
  if (size <= 0 || static_cast<std::size_t>(size) > longest_request) return std::nullopt;
  std::string_view text(buffer, static_cast<std::size_t>(size));
  if (!text.starts_with(boot + " ") || !text.ends_with('\n')) return std::nullopt;
  text.remove_prefix(boot.size() + 1);
  text.remove_suffix(1);
  std::uint64_t until = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), until);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? std::optional(until) : std::nullopt;
}

void withdraw_own(const Handle& folder, const std::string& but) {
  for (const std::string& name : names_in(folder)) {
    struct stat status {};
    if (name != but && ::fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        status.st_uid == ::geteuid())
      ::unlinkat(folder.get(), name.c_str(), 0);
  }
}

}  // namespace

void prepare_keep_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) throw system_error("making " + folder, errno);
  const Handle at = open_folder(folder);
  if (::fchmod(at.get(), everybody_own) != 0) throw system_error("changing the mode of " + folder, errno);
}

void request_keep(const std::string& folder, std::uint64_t until) {
  const Handle at = open_folder(folder);
  std::string name;
  if (until > 0) {
    std::uint64_t drawn = 0;
    if (::getrandom(&drawn, sizeof drawn, 0) != sizeof drawn) throw system_error("drawing a name", errno);
    name = fmt::format("{}-{:016x}", ::geteuid(), drawn);
    const std::string line = fmt::format("{} {}\n", current_boot(), until);
    const Handle file(::openat(at.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file || ::fchmod(file.get(), 0644) != 0 ||
        ::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw system_error(fmt::format("writing {}/{}", folder, name), errno);
  }
  withdraw_own(at, name);
}

std::uint64_t requested_keep(const std::string& folder, std::uint64_t now, bool remove_others) {
  const std::string boot = current_boot();
  const Handle at = open_folder(folder);
  std::uint64_t latest = 0;
  for (const std::string& name : names_in(at)) {
    const auto until = time_in(at, name, boot);
    if (until && *until > now && *until <= now + longest_keep)
      latest = std::max(latest, *until);
    else if (remove_others)
      ::unlinkat(at.get(), name.c_str(), 0);
  }
  return latest;
}

}  // namespace mlops
