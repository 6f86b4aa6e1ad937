// A folder that is there for one test, and small ways to fill it and to look at it.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace mlops::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char pattern[] = "/tmp/mlops-test-XXXXXX";
    if (!::mkdtemp(pattern)) throw std::runtime_error("no temporary folder");
    path_ = pattern;
    ::chmod(pattern, 0755);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  // The path of a name in it; the folder itself for "".
  std::string operator/(const std::string& name) const { return name.empty() ? path_ : path_ + "/" + name; }

  std::string folder(const std::string& name, mode_t mode = 0755, uid_t owner = ::geteuid()) const {
    std::filesystem::create_directories(*this / name);
    give(*this / name, mode, owner);
    return *this / name;
  }
  std::string file(const std::string& name, const std::string& content, mode_t mode = 0644,
                   uid_t owner = ::geteuid()) const {
    std::ofstream(*this / name) << content;
    give(*this / name, mode, owner);
    return *this / name;
  }
  std::string link(const std::string& name, const std::string& target, uid_t owner = ::geteuid()) const {
    const std::string path = *this / name;
    if (::symlink(target.c_str(), path.c_str()) != 0 || ::lchown(path.c_str(), owner, owner) != 0)
      throw std::runtime_error("no link " + path);
    return path;
  }

 private:
  static void give(const std::string& path, mode_t mode, uid_t owner) {
    if (owner != ::geteuid() && ::chown(path.c_str(), owner, owner) != 0)
      throw std::runtime_error("chown " + path);
    if (::chmod(path.c_str(), mode) != 0) throw std::runtime_error("chmod " + path);
  }
  std::string path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline struct ::stat status_of(const std::string& path) {
  struct ::stat s {};
  if (::lstat(path.c_str(), &s) != 0) throw std::runtime_error("nothing at " + path);
  return s;
}
inline mode_t mode_of(const std::string& path) { return status_of(path).st_mode & 07777; }
inline bool is_there(const std::string& path) {
  struct ::stat s {};
  return ::lstat(path.c_str(), &s) == 0;
}
// False, and said loudly, where a test needs root.
inline bool is_root(const char* test) {
  if (::geteuid() == 0) return true;
  std::fprintf(stderr, "!!! NOT TESTED, needs root: %s\n", test);
  return false;
}

}  // namespace mlops::test
