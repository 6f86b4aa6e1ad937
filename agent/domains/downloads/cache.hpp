// Records of verified downloads, kept in one small file. Losing it costs only time: a file that is damaged,
// owned by another user or not writable counts as empty, and nothing here throws.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlops {

// A file's identity and version; equal stamps mean equal content.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const struct stat& status);

// A record of a file that was downloaded from a URL.
struct DownloadRecord {
  enum class Kind {
    proof,    // the file held content of this digest when it had this stamp
    partial,  // the file is being downloaded into the one of this stamp's device and inode
  } kind = Kind::proof;
  std::string key;     // of download_key()
  std::string sha256;  // of a proof
  std::string etag, last_modified;
  std::string boot;  // of a partial: the boot in which it was started, since a power cut may leave holes
  FileStamp stamp;
  friend bool operator==(const DownloadRecord&, const DownloadRecord&) = default;
};

// Identifies a download by URL and path. A digest: others may read root's cache, but not learn its URLs from
// it.
std::string download_key(const std::string& path, const std::string& url, const std::string& sha256_url);

class DownloadCache {
 public:
  static constexpr std::size_t max_records = 500;

  // The folder, and its parent, are created with the first record: 0700, or world-readable if root's. It is
  // read if it belongs to the acting user or to root, and written if it belongs to the acting user.
  explicit DownloadCache(std::string folder);

  std::optional<DownloadRecord> find(DownloadRecord::Kind kind, const std::string& key) const;
  // Replaces the record of the same key, drops the oldest beyond max_records, and writes the file atomically.
  void keep(const DownloadRecord& record);
  void forget(DownloadRecord::Kind kind, const std::string& key);

 private:
  std::vector<DownloadRecord> read() const;
  void write(const std::vector<DownloadRecord>& records) const;
  std::string folder_;
};

// The file's text, and back: absent if any part of it is damaged.
std::string format_records(const std::vector<DownloadRecord>& records);
std::optional<std::vector<DownloadRecord>> parse_records(std::string_view text);

}  // namespace mlops
