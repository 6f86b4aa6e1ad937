#include "resource/file_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/suggest.hpp"

namespace mlops {
namespace {

struct Descriptor {
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

bool read_all(int fd, std::string& into) {
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    into.append(buffer, static_cast<std::size_t>(n));
  }
}

Descriptor open_at(const std::string& path) {
  return Descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
}

class FilesOnDisk : public FileSource {
 public:
  FileBeside read(const std::string& path, bool content, std::uint64_t limit) const override {
    return read_open(open_at(path).fd, content, limit);
  }
  FileBeside whole(const std::string& path) const override { return read_open_whole(open_at(path).fd); }
  std::string similar(const std::string& path) const override {
    const std::filesystem::path wanted(path);
    const auto folder = wanted.has_parent_path() ? wanted.parent_path() : std::filesystem::path(".");
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator i(folder, error), end; !error && i != end; i.increment(error))
      names.push_back(i->path().filename().string());
    return did_you_mean(wanted.filename().string(), names);
  }
};

}  // namespace

FileBeside read_open(int fd, bool content, std::uint64_t limit) {
  FileBeside file;
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) {
    file.error = errno;
    return file;
  }
  file.folder = S_ISDIR(status.st_mode);
  file.regular = S_ISREG(status.st_mode);
  file.size = static_cast<std::uint64_t>(status.st_size);
  if (content && file.regular && file.size <= limit && !read_all(fd, file.content)) file.error = errno;
  return file;
}

FileBeside read_open_whole(int fd) {
  FileBeside file = read_open(fd, true, FileSource::largest_text);
  if (file.error == 0 && file.regular && file.size > FileSource::largest_text) file.error = EFBIG;
  return file;
}

std::string not_regular(const std::string& path, const FileBeside& file) {
  return path + (file.folder ? " is a folder, not a file" : " is no regular file");
}

const FileSource& files_on_disk() {
  static const FilesOnDisk disk;
  return disk;
}

}  // namespace mlops
