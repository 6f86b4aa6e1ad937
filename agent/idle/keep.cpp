#include "idle/keep.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "idle/folder_names.hpp"
#include "idle/state.hpp"
#include "model/idle_settings.hpp"

namespace mlops {
namespace {

constexpr std::size_t longest_request = 64;    // bytes: a boot's id, a blank, seconds
constexpr std::size_t most_removed = 100'000;  // entries in one pass
constexpr int most_attempts = 3;
constexpr auto reading_time = std::chrono::seconds(20);

Handle open_folder(const std::string& folder) {
  Handle at(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!at) throw system_error("opening " + folder, errno);
  return at;
}

std::string prefix_of(std::uint32_t uid) { return fmt::format("{}-", uid); }

// The time in a request of this boot; absent for everything else. It opens no device and waits for no pipe.
std::optional<std::uint64_t> time_in(const Handle& folder, const std::string& name, const std::string& boot) {
  const Handle file(::openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (!name.starts_with(prefix_of(status.st_uid))) return std::nullopt;  // its user could not withdraw it
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

std::vector<std::string> own_requests(const Handle& folder) {
  std::vector<std::string> names;
  const std::string prefix = prefix_of(::geteuid());
  const int error = for_each_name(folder.get(), [&](const char* name) {
    struct stat status {};
    if (std::string_view(name).starts_with(prefix) &&
        ::fstatat(folder.get(), name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_uid == ::geteuid())
      names.emplace_back(name);
    return true;
  });
  if (error != 0) throw system_error("listing the requests", error);
  return names;
}

std::string draw_name() {
  std::uint64_t drawn = 0;
  if (::getrandom(&drawn, sizeof drawn, 0) != sizeof drawn) throw system_error("drawing a name", errno);
  return fmt::format("{}{:016x}", prefix_of(::geteuid()), drawn);
}

bool write_line(const Handle& file, const std::string& line) {
  return ::fchmod(file.get(), 0644) == 0 &&
         ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

// False where the file system has no files without a name (O_TMPFILE), and after any other failure, with errno.
bool leave_unnamed(const Handle& folder, const std::string& name, const std::string& line) {
  const Handle file(::openat(folder.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
  if (!file || !write_line(file, line)) return false;
  const std::string opened = fmt::format("/proc/self/fd/{}", file.get());
  return ::linkat(AT_FDCWD, opened.c_str(), folder.get(), name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

// A check may take the file for rubbish while it is being written. Then it cannot be renamed.
bool leave_renamed(const Handle& folder, const std::string& name, const std::string& line) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const std::string other = draw_name();
    const Handle file(::openat(folder.get(), other.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file) return false;
    if (write_line(file, line) && ::renameat(folder.get(), other.c_str(), folder.get(), name.c_str()) == 0)
      return true;
    const int error = errno;
    ::unlinkat(folder.get(), other.c_str(), 0);
    errno = error;
    if (error != ENOENT) return false;
  }
  return false;
}

// What is no request of now. A folder goes only if it is empty.
void remove_rubbish(const Handle& folder, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno == EISDIR)
      ::unlinkat(folder.get(), name.c_str(), AT_REMOVEDIR);
}

}  // namespace

void prepare_keep_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) throw system_error("making " + folder, errno);
  const Handle at = open_folder(folder);
  if (::fchmod(at.get(), idle_keep_mode) != 0) throw system_error("changing the mode of " + folder, errno);
}

void request_keep(const std::string& folder, std::uint64_t until) {
  const Handle at = open_folder(folder);
  const std::vector<std::string> earlier = own_requests(at);
  if (until > 0) {
    const std::string name = draw_name(), line = fmt::format("{} {}\n", current_boot(), until);
    if (!leave_unnamed(at, name, line) && !leave_renamed(at, name, line))
      throw system_error(fmt::format("writing {}/{}", folder, name), errno);
  }
  for (const std::string& name : earlier) ::unlinkat(at.get(), name.c_str(), 0);
}

std::uint64_t requested_keep(const std::string& folder, std::uint64_t now, bool remove_others) {
  const std::string boot = current_boot();
  const Handle at = open_folder(folder);
  const auto end = std::chrono::steady_clock::now() + reading_time;
  std::uint64_t latest = 0;
  bool late = false;
  std::vector<std::string> rubbish;
  const int error = for_each_name(at.get(), [&](const char* name) {
    const auto until = time_in(at, name, boot);
    if (until && *until > now && *until <= now + longest_keep)
      latest = std::max(latest, *until);
    else if (remove_others && rubbish.size() < most_removed)
      rubbish.emplace_back(name);
    late = std::chrono::steady_clock::now() > end;
    return !late;
  });
  remove_rubbish(at, rubbish);
  if (error != 0) throw system_error("listing " + folder, error);
  if (late) throw Error(folder + " has too many files to read");
  return latest;
}

}  // namespace mlops
