#include "machine/files/file_reader.hpp"

#include <fmt/format.h>

#include "model/error.hpp"

namespace mlops {

const char* to_text(FileType type) {
  switch (type) {
    case FileType::regular: return "a file";
    case FileType::directory: return "a folder";
    case FileType::symlink: return "a symbolic link";
    case FileType::fifo: return "a named pipe";
    case FileType::socket: return "a socket";
    case FileType::character_device: return "a character device";
    case FileType::block_device: return "a block device";
  }
  return "an entry of unknown type";
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
    throw Error(fmt::format("{} has {} bytes, more than the {} that are read", path, found->status.size, limit));
  return std::move(*found->content);
}

}  // namespace mlops
