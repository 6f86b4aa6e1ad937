#include "base/own_executable.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/error.hpp"

namespace mlops {
namespace {

struct Close {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
struct Free {
  void operator()(char* p) const { std::free(p); }
};

// The path of one line of proc_pid_maps(5) when the mapping holds the address; "" otherwise.
std::string mapped_file(const char* line, std::uintptr_t address) {
  unsigned long long from = 0, to = 0;
  int path_at = 0;
  if (std::sscanf(line, "%llx-%llx %*s %*s %*s %*s %n", &from, &to, &path_at) < 2 || path_at == 0) return "";
  if (address < from || address >= to) return "";
  std::string_view path(line + path_at);
  while (path.ends_with('\n')) path.remove_suffix(1);
  return std::string(path);
}

}  // namespace

std::string own_executable() {
  const std::unique_ptr<std::FILE, Close> maps(std::fopen("/proc/self/maps", "re"));
  if (!maps) throw system_error("reading /proc/self/maps", errno);
  const auto here = reinterpret_cast<std::uintptr_t>(&own_executable);
  char* line = nullptr;
  std::size_t size = 0;
  std::string path;
  while (path.empty() && getline(&line, &size, maps.get()) > 0) path = mapped_file(line, here);
  const std::unique_ptr<char, Free> owned(line);
  if (!path.starts_with('/')) throw Error("cannot find out where this program lies");
  if (path.ends_with(" (deleted)")) throw Error(fmt::format("this program's file is gone: {}", path));
  return path;
}

std::vector<std::string> own_command() {
  const std::string program = own_executable();
  struct stat started {
  }, file{};
  if (::stat("/proc/self/exe", &started) != 0) throw system_error("reading /proc/self/exe", errno);
  if (::stat(program.c_str(), &file) != 0) throw system_error("reading " + program, errno);
  if (started.st_dev == file.st_dev && started.st_ino == file.st_ino) return {program};
  std::string loader(4096, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", loader.data(), loader.size());
  if (size <= 0) throw system_error("reading /proc/self/exe", errno);
  loader.resize(static_cast<std::size_t>(size));
  return {loader, "--library-path", loader.substr(0, loader.rfind('/')), program};
}

std::string own_build() {
  struct stat file {};
  try {
    if (::stat(own_executable().c_str(), &file) != 0) return "unknown";
  } catch (const Error&) {
    return "unknown";
  }
  const auto time = static_cast<std::uint64_t>(file.st_mtim.tv_sec) * 1'000'000 +
                    static_cast<std::uint64_t>(file.st_mtim.tv_nsec) / 1000;
  return fmt::format("{}-{}-{:x}", MLOPS_VERSION, file.st_size, time);
}

}  // namespace mlops
