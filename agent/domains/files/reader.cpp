#include "domains/files/reader.hpp"

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "domains/files/paths.hpp"

namespace mlops {
namespace {

std::string attributes_of(const FileStatus& s) { return fmt::format("{:04o} {} {}", s.mode, s.owner, s.group); }

// A line for each entry, folders after their content.
std::size_t add_entries(const FileReader& files, const std::string& folder, const std::string& shown,
                        Sha256& digest) {
  std::size_t count = 0;
  const auto names = files.list(folder);
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    const std::string path = join_path(folder, name), below = shown + "/" + name;
    const auto found = files.view(path, 0);
    if (!found) continue;
    const FileStatus& s = found->status;
    if (s.type == FileType::directory) count += add_entries(files, path, below, digest);
    const bool file = s.type == FileType::regular;
    digest.update(fmt::format("{} {} {} {} {} {}\n", below, to_text(s.type), attributes_of(s),
                              file ? s.size : 0, file ? s.mtime_ns : 0, found->target));
    ++count;
  }
  return count;
}

}  // namespace

const char* to_text(FileType type) {
  switch (type) {
    case FileType::regular:
      return "a file";
    case FileType::directory:
      return "a folder";
    case FileType::symlink:
      return "a symbolic link";
    case FileType::fifo:
      return "a named pipe";
    case FileType::socket:
      return "a socket";
    case FileType::character_device:
      return "a character device";
    case FileType::block_device:
      return "a block device";
  }
  return "an entry of unknown type";
}

std::string FileReader::fingerprint(const std::string& path, Depth depth) const {
  const auto found = view(path, 0);
  if (!found) return "absent";
  const FileStatus& s = found->status;
  const std::string attributes = attributes_of(s);
  switch (s.type) {
    case FileType::regular:
      if (s.size > fingerprint_limit) return fmt::format("file {} {} of {}", attributes, s.size, s.mtime_ns);
      return fmt::format("file {} {} {}", attributes, s.size, sha256(path).value_or(""));
    case FileType::symlink:
      return fmt::format("link {} {} -> {}", s.owner, s.group, found->target);
    case FileType::directory: {
      if (depth == Depth::itself) return "folder " + attributes;
      Sha256 digest;
      const std::size_t entries = add_entries(*this, path, "", digest);
      return fmt::format("folder {} with {} entries {}", attributes, entries, digest.hex());
    }
    default:
      return fmt::format("{} {}", to_text(s.type), attributes);
  }
}

std::optional<FileStatus> FileReader::status(const std::string& path) const {
  auto found = view(path, 0);
  if (!found) return std::nullopt;
  return std::move(found->status);
}

std::optional<std::string> FileReader::read(const std::string& path, std::uint64_t limit) const {
  auto found = view(path, limit);
  if (found && found->status.type == FileType::symlink) {
    const auto target = resolve(path);
    if (!target) return std::nullopt;
    found = view(*target, limit);
  }
  if (!found || found->status.type != FileType::regular) return std::nullopt;
  if (!found->content)
    throw Error(
        fmt::format("{} has {} bytes, more than the {} that are read", path, found->status.size, limit));
  return std::move(*found->content);
}

}  // namespace mlops
