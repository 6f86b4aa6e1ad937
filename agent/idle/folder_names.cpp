#include "idle/folder_names.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

namespace mlops {
namespace {

struct CloseNames {
  void operator()(DIR* d) const { ::closedir(d); }
};

}  // namespace

int for_each_name(int folder, const std::function<bool(const char*)>& visit) {
  const int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return errno;
  const std::unique_ptr<DIR, CloseNames> list(::fdopendir(own));
  if (!list) {
    const int error = errno;
    ::close(own);
    return error;
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(list.get());
    if (!entry) return errno;
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !visit(entry->d_name)) return 0;
  }
}

}  // namespace mlops
