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

class FilesBeside {
 public:
  virtual ~FilesBeside() = default;
  // limit: more bytes than that are not read; then content is "".
  virtual FileBeside read(const std::string& path, bool content, std::uint64_t limit) const = 0;
  // A file of any kind, a pipe too, as a whole.
  virtual FileBeside whole(const std::string& path) const = 0;
  // "did you mean `x`?" for a file that is not there; "" where nothing is near.
  virtual std::string similar(const std::string& path) const = 0;
};

// The way out for what is refused.
inline constexpr auto refused_hint = "take that right away, or say --trust-writable";

// Relative paths are below the working folder.
const FilesBeside& files_on_disk();

}  // namespace mlops
