// Where a playbook and the files beside it are read from: this machine's disk, or the controller.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

struct FileBeside {
  int error = 0;  // an errno value if it cannot be read; 0: it can
  bool regular = true, folder = false;
  std::uint64_t size = 0;  // bytes
  std::string content;     // if it was requested and the file is regular
  std::string refused;     // why the file is not trusted, whatever its content; "": it is
};

class FileSource {
 public:
  virtual ~FileSource() = default;
  // Bytes of a file that a `source` names; larger files are for downloads.
  static constexpr std::uint64_t largest_source = 64u << 20;
  // limit: larger files are not read; then content is "".
  virtual FileBeside read(const std::string& path, bool content, std::uint64_t limit) const = 0;
  // A complete text: a regular file of at most largest_text bytes (EFBIG). Nothing else is read: regular is
  // false then.
  static constexpr std::uint64_t largest_text = 64u << 20;
  virtual FileBeside whole(const std::string& path) const = 0;
  // "did you mean `x`?" for a missing file; "" if no name is close.
  virtual std::string similar(const std::string& path) const = 0;
};

// The hint for a refused file.
inline constexpr auto refused_hint = "take that right away, or say --trust-writable";

// The hint for a file that is not sent to a target (EACCES), since the files to send are determined before it
// is reached.
inline constexpr auto not_sent_hint =
    "in `source`, `{{vars…}}` can be used, but neither facts nor outputs of resources: write one resource for "
    "each file, and "
    "choose among them with `when`";

// Relative paths are below the working folder.
const FileSource& files_on_disk();

// The descriptor's file, as returned by read and whole. The caller keeps ownership.
FileBeside read_open(int fd, bool content, std::uint64_t limit);
FileBeside read_open_whole(int fd);
// For a message about a file that is not regular: "/run/x is a folder, not a file".
std::string not_regular(const std::string& path, const FileBeside& file);

}  // namespace mlops
