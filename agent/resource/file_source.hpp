// Where a playbook and what lies beside it is read from: this machine's disk, or the machine where the command was
// typed.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

struct FileBeside {
  int error = 0;  // an errno value: it cannot be read; 0: it can
  bool regular = true, folder = false;
  std::uint64_t size = 0;  // bytes
  std::string content;     // where it was asked for and is regular
  std::string refused;     // why it is not to be followed, whatever it holds; "": it may be
};

class FileSource {
 public:
  virtual ~FileSource() = default;
  // limit: more bytes than that are not read; then content is "".
  virtual FileBeside read(const std::string& path, bool content, std::uint64_t limit) const = 0;
  // A text as a whole: a regular file of at most largest_text bytes (EFBIG). Nothing else is read: regular is
  // false then.
  static constexpr std::uint64_t largest_text = 64u << 20;
  virtual FileBeside whole(const std::string& path) const = 0;
  // "did you mean `x`?" for a file that is not there; "" where nothing is near.
  virtual std::string similar(const std::string& path) const = 0;
};

// The way out for what is refused.
inline constexpr auto refused_hint = "take that right away, or say --trust-writable";

// The way out where a machine is not sent a file (EACCES), as what it is sent is known before it is reached.
inline constexpr auto not_sent_hint =
    "in `source`, `{{vars…}}` can be used, but neither facts nor what resources give: write one resource for each file, and "
    "choose among them with `when`";

// Relative paths are below the working folder.
const FileSource& files_on_disk();

// What the descriptor stands for, as read and whole tell it. It stays the caller's.
FileBeside read_open(int fd, bool content, std::uint64_t limit);
FileBeside read_open_whole(int fd);
// What is no regular file, for a message: "/run/x is a folder, not a file".
std::string not_regular(const std::string& path, const FileBeside& file);

}  // namespace mlops
