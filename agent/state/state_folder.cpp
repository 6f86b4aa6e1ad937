#include "state/state_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "domains/files/paths.hpp"
#include "domains/files/safe_path.hpp"

namespace mlops {
namespace {

constexpr mode_t others = 077;

bool may_have_state(const ActingUser& who) {
  struct stat home {};
  return who.home.size() > 1 && ::stat(who.home.c_str(), &home) == 0 && S_ISDIR(home.st_mode) &&
         home.st_uid == who.uid && (home.st_mode & S_IWUSR);
}

void make_folder(const std::string& folder, mode_t last = 0755) {
  for (std::size_t at = folder.find('/', 1);; at = folder.find('/', at + 1)) {
    const std::string part = folder.substr(0, at);
    if (::mkdir(part.c_str(), at == std::string::npos ? last : 0755) != 0 && errno != EEXIST)
      throw system_error("cannot make the state folder " + folder + (part == folder ? "" : ": " + part), errno);
    if (at == std::string::npos) return;
  }
}

enum class Mend { no, yes };

// Returns an open folder and its resolved path: does not follow a link that another user made in a
// world-writable folder, such as /var/tmp.
Handle open_folder(const std::string& folder) try {
  Walker walker(false);
  const auto place = walker.target_place(folder);
  if (!place) throw system_error("cannot find the state folder " + folder, ENOENT);
  Handle opened(::openat(place->folder, place->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened) throw system_error("cannot open the state folder " + folder, errno);
  return opened;
} catch (const Error& e) {
  if (e.kind() != ErrorKind::unsafe_path) throw;
  throw Error(
      fmt::format("the state folder {} is not safe: {}; remove the link, or name another folder with --state",
                  folder, e.message()));
}

std::string path_of(const Handle& folder) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", folder.get()), error);
  if (error) throw system_error("cannot tell where the state folder is", error.value());
  return path;
}

// Checked on the open descriptor: the name may refer to another folder a moment later.
std::string judged(const std::string& folder, Mend mend) {
  const Handle opened = open_folder(folder);
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0)
    throw system_error("cannot look at the state folder " + folder, errno);
  if (status.st_uid != ::geteuid())
    throw Error(
        fmt::format("the state folder {} belongs to another user (uid {}); remove it, or name another with "
                    "--state",
                    folder, status.st_uid));
  if (mend == Mend::yes && (status.st_mode & others) != 0 && ::fchmod(opened.get(), 0700) != 0)
    throw system_error("cannot close the state folder " + folder + " to others", errno);
  return path_of(opened);
}

}  // namespace

std::string state_folder(const ActingUser& who, const std::string& given) {
  if (!given.empty()) return join_path(given, who.name);
  if (who.uid == 0) return "/var/lib/mlops-agent";
  const char* xdg = std::getenv("XDG_STATE_HOME");
  if (xdg && xdg[0] == '/' && who.uid == ::getuid()) return std::string(xdg) + "/mlops-agent";
  if (may_have_state(who)) return who.home + "/.local/state/mlops-agent";
  return fmt::format("/var/tmp/mlops-agent-{}", who.uid);
}

std::string prepare_state_folder(const std::string& folder) {
  make_folder(folder, 0700);
  return judged(folder, Mend::yes);
}

void give_state_folder(const std::string& folder, const ActingUser& who) {
  const std::size_t slash = folder.rfind('/');
  if (slash > 0) make_folder(folder.substr(0, slash));
  if (::mkdir(folder.c_str(), 0700) != 0) {
    if (errno == EEXIST) return;
    throw system_error("cannot make the state folder " + folder, errno);
  }
  if (::lchown(folder.c_str(), who.uid, who.gid) != 0)
    throw system_error("cannot give the state folder " + folder + " to " + who.name, errno);
}

std::string find_state_folder(const std::string& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return "";
    throw system_error("cannot look at the state folder " + folder, errno);
  }
  return judged(folder, Mend::no);
}

}  // namespace mlops
