// Reads files, folders and links. Nothing here can change anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domains/files/grants.hpp"

namespace mlops {

enum class FileType { regular, directory, symlink, fifo, socket, character_device, block_device };
// "a file", "a folder", "a symbolic link", …
const char* to_text(FileType type);

// The result of stat(2). Owner and group are names, or decimal numbers if there is no name.
struct FileStatus {
  FileType type = FileType::regular;
  std::uint32_t mode = 0;  // permission bits, 07777
  std::string owner, group;
  std::uint64_t size = 0;                   // bytes
  std::int64_t mtime_ns = 0, ctime_ns = 0;  // since the epoch
  std::uint64_t device = 0, inode = 0;
  std::uint64_t links = 1;  // hard links to the same file
  friend bool operator==(const FileStatus&, const FileStatus&) = default;
};

struct FileView {
  FileStatus status;
  std::string target;                  // of a symbolic link, as stored
  std::optional<std::string> content;  // of a regular file that is not larger than the requested limit
};

// Paths are absolute and normalised. Intermediate components may be links, and are followed if they are trusted
// (Error unsafe_path otherwise). Absent is a value: also if a parent is absent or not a folder. EACCES is Error
// denied. An overlay's readers throw Unknown.
class FileReader {
 public:
  virtual ~FileReader() = default;

  // What is at the path itself; a final link is not followed. content is filled in for a regular file of at
  // most content_limit bytes (0: never, not even for an empty file).
  virtual std::optional<FileView> view(const std::string& path, std::uint64_t content_limit) const = 0;
  // The names in a folder except . and .., sorted; absent if there is no folder.
  virtual std::optional<std::vector<std::string>> list(const std::string& path) const = 0;
  // The path with every link resolved, the last included; absent if a component is missing or links form a
  // loop.
  virtual std::optional<std::string> resolve(const std::string& path) const = 0;
  // SHA-256 of a regular file in lower-case hex (links followed); absent if there is none.
  virtual std::optional<std::string> sha256(const std::string& path) const = 0;

  // Rights on the entry at the path itself beyond its mode; absent if there is none.
  virtual std::optional<Grants> grants(const std::string& path) const = 0;

  // The state of the path itself, as a line that changes whenever the state does: "absent", "file 0644 root
  // root 120 SHA256", "link root root -> target", "folder 0755 root root". Times count only for files that are
  // too large to be read (fingerprint_limit), and with Depth::tree, which adds the entries below a folder to
  // its line, by their names, types, attributes, sizes and times.
  enum class Depth { itself, tree };
  static constexpr std::uint64_t fingerprint_limit = 64u << 20;  // bytes of content
  virtual std::string fingerprint(const std::string& path, Depth depth) const;

  std::optional<FileStatus> status(const std::string& path) const;  // view's status alone
  bool exists(const std::string& path) const { return status(path).has_value(); }
  // The content of a regular file, a final link followed; absent if there is none. Larger than limit: Error.
  std::optional<std::string> read(const std::string& path, std::uint64_t limit = 64u << 20) const;
};

}  // namespace mlops
