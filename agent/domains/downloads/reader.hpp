// Queries servers, and looks up records of earlier downloads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mlops {

// Queries to servers. timeout_ms limits a whole query; 0: no limit, as long as bytes arrive.
class DownloadReader {
 public:
  virtual ~DownloadReader() = default;

  // The SHA-256 that the checksum file at sha256_url lists for file_name (formats of sha256sum, of BSD's --tag,
  // or a lone digest). Fetched once per run; errors name the URL.
  virtual std::string published_sha256(const std::string& sha256_url, const std::string& file_name,
                                       std::uint64_t timeout_ms) const = 0;
  // The digest that was verified for the file at path when it was downloaded from url with this sha256_url (""
  // for none), if the file is still the same by device, inode, size, mtime and ctime. From the cache: no
  // request, no reading of the content. Absent: not known.
  virtual std::optional<std::string> proved(const std::string& path, const std::string& url,
                                            const std::string& sha256_url) const = 0;
  // Whether the file at path is what url has: the server says that its version is the downloaded one (ETag or
  // Last-Modified are cached and sent with If-None-Match / If-Modified-Since); or, if it sends no validators,
  // the bytes are equal. They are read for that once per run, unless the server reports another size. False if
  // there is no file. Errors name the URL.
  virtual bool unchanged(const std::string& path, const std::string& url, std::uint64_t timeout_ms) const = 0;
  // Where to read a git remote or https URL from instead: its place on the mirror, if a mirror is set and has
  // it (a folder) or may have it (a URL); absent otherwise.
  virtual std::optional<std::string> mirrored(const std::string& url) const = 0;
};

}  // namespace mlops
