#include "aws/own_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/descriptor_io.hpp"
#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/trust.hpp"

namespace mlops::aws {
namespace {

constexpr std::size_t largest_file = 1u << 20;

}  // namespace

std::optional<std::string> read_own_file(const std::string& path, const Environment& environment) {
  const JudgedFile file = open_judged(path, environment.user.uid);
  if (!file.wrong.empty())
    throw Error(fmt::format("{} is not used: {}, so somebody else could have written it; mend it with chmod "
                            "go-w, or chown",
                            path, file.wrong),
                ErrorKind::unsafe_path);
  if (!file.entry) {
    if (file.error == ENOENT || file.error == ENOTDIR) return {};
    throw system_error("cannot read " + path, file.error);
  }
  const Handle opened = open_for_reading(file);
  struct ::stat status {};
  if (!opened || ::fstat(opened.get(), &status) != 0) throw system_error("cannot read " + path, errno);
  if (!S_ISREG(status.st_mode)) throw Error(path + " is not a regular file");
  std::string content = read_all(opened.get(), largest_file, "cannot read", path);
  if (content.size() > largest_file) throw Error(fmt::format("{} has more than {} bytes", path, largest_file));
  return content;
}

void make_own_folder(const std::string& path) {
  if (path.empty() || ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return;
  if (errno != ENOENT) throw system_error("cannot make " + path, errno);
  make_own_folder(path.substr(0, path.rfind('/')));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw system_error("cannot make " + path, errno);
}

void replace_own_file(const std::string& path, const std::string& content) {
  std::string temporary = path + ".XXXXXX";
  const Handle file(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!file) throw system_error("cannot write " + path, errno);
  try {
    write_all(file.get(), content, "cannot write", path);
    if (::fsync(file.get()) != 0) throw system_error("cannot write " + path, errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) throw system_error("cannot write " + path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace mlops::aws
