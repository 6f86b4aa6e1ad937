#include "base/backend.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/own_executable.hpp"
#include "base/person.hpp"
#include "base/trust.hpp"

namespace mlops {
namespace {

constexpr std::string_view suffix = ".so";

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// Held open for the rest of this process's life, as are the libraries loaded from it.
Handle& kept_folder() {
  static Handle folder;
  return folder;
}

// Loaded code runs with this process's privileges: as root, only root and the caller may be able to write to
// it, or to the libraries beside it. A file in a folder that passed this check stays unchanged until dlopen(3)
// opens it by name.
void refuse_where_others_write(const std::string& name, const std::string& folder, const std::string& path) {
  if (::geteuid() != 0) return;
  const uid_t caller = current_person().uid;
  for (const std::string& place : {path, folder + "/../lib"})
    if (const auto why = distrust(place, caller))
      throw Error(
          fmt::format("the backend {} is not loaded: {}, and root would run what somebody else can put there",
                      name, *why),
          ErrorKind::unavailable);
}

}  // namespace

std::string backends_folder() {
  if (kept_folder()) return fmt::format("/proc/self/fd/{}", kept_folder().get());
  const std::string program = own_executable();
  const std::string folder = program.substr(0, program.rfind('/'));
  for (const char* place : {"/backends", "/../backends", "/../lib/mlops-agent/backends"})
    if (::access((folder + place).c_str(), X_OK) == 0) return folder + place;
  throw Error(fmt::format("the program's backends are missing: there is no folder {}/backends", folder),
              ErrorKind::unavailable);
}

std::vector<std::string> backend_names() {
  const std::string path = backends_folder();
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (!folder) throw system_error("reading " + path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(suffix)) names.emplace_back(name.substr(0, name.size() - suffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void keep_backends_reachable() try {
  Handle folder(::open(backends_folder().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder) kept_folder() = std::move(folder);
} catch (const Error&) {
  // Missing backends are reported on use.
}

Backend::Backend(const std::string& name) : name_(name) {
  const std::string folder = backends_folder();
  const std::string path = fmt::format("{}/{}{}", folder, name, suffix);
  if (::access(path.c_str(), R_OK) != 0)
    throw Error(fmt::format("the backend {} is missing: there is no {}", name, path), ErrorKind::unavailable);
  refuse_where_others_write(name, folder, path);
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle_)
    throw Error(fmt::format("cannot load the backend {}: {}", name, dlerror()), ErrorKind::unavailable);
}

void* Backend::find(const char* symbol) const {
  if (void* found = dlsym(handle_, symbol)) return found;
  throw Error(fmt::format("the backend {} has no {}", name_, symbol), ErrorKind::unavailable);
}

}  // namespace mlops
