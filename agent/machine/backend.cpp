#include "machine/backend.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include "machine/commands/own_executable.hpp"
#include "model/error.hpp"

namespace mlops {
namespace {

std::string find_backend(const std::string& name) {
  const std::string program = own_executable();
  const std::string folder = program.substr(0, program.rfind('/'));
  for (const char* place : {"/backends/", "/../backends/", "/../lib/mlops-agent/backends/"}) {
    const std::string path = folder + place + name + ".so";
    if (access(path.c_str(), R_OK) == 0) return path;
  }
  throw Error(fmt::format("the backend {} is missing: there is no {}/backends/{}.so", name, folder, name),
              ErrorKind::unavailable);
}

}  // namespace

Backend::Backend(const std::string& name) : name_(name) {
  const std::string path = find_backend(name);
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle_)
    throw Error(fmt::format("cannot load the backend {}: {}", name, dlerror()), ErrorKind::unavailable);
}

void* Backend::find(const char* symbol) const {
  if (void* found = dlsym(handle_, symbol)) return found;
  throw Error(fmt::format("the backend {} has no {}", name_, symbol), ErrorKind::unavailable);
}

}  // namespace mlops
