#include "domains/files/placing.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "base/error.hpp"
#include "base/handle.hpp"

namespace mlops {

void sync_folder(int folder, const std::string& path) {
  const Handle handle(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle && errno == EACCES) return ::sync();
  if (!handle || ::fsync(handle.get()) != 0)
    throw Error(system_error("cannot sync the folder of " + path, errno).message(), ErrorKind::unsynced);
}

bool is_absent(const Walker::Place& place) {
  struct ::stat status {};
  return ::fstatat(place.folder, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}
bool rename_to_absent(int folder, const std::string& name, const Walker::Place& to) {
  if (::renameat2(folder, name.c_str(), to.folder, to.name.c_str(), RENAME_NOREPLACE) == 0) return true;
  // Some file systems do not support flags.
  return errno == EINVAL && is_absent(to) && ::renameat(folder, name.c_str(), to.folder, to.name.c_str()) == 0;
}

}  // namespace mlops
