// Asking servers, and remembering what earlier downloads proved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mlops {

// Questions to servers: timeout_ms is for all of one; 0: no end, as long as bytes move.
class DownloadReader {
 public:
  virtual ~DownloadReader() = default;

  // The SHA-256 that the checksum file at sha256_url lists for file_name (formats of sha256sum, of BSD's --tag,
  // or a lone digest). Asked for once a run; errors name the URL.
  virtual std::string published_sha256(const std::string& sha256_url, const std::string& file_name,
                                       std::uint64_t timeout_ms) const = 0;
  // The digest that was proved for the file at path when it was downloaded from url with this sha256_url (""
  // for none), if the file is still the same by device, inode, size, mtime and ctime. From our cache: no
  // request, no reading of the content. Absent: not known.
  virtual std::optional<std::string> proved(const std::string& path, const std::string& url,
                                            const std::string& sha256_url) const = 0;
  // Whether the file at path is what url has: the server says that its version is the one that we downloaded (ETag or
  // Last-Modified kept in our cache and sent with If-None-Match / If-Modified-Since); or, where it says nothing of the
  // kind, the bytes are the same. They are read for that once a run, unless the server tells another size. False where
  // there is no file. Errors name the URL.
  virtual bool unchanged(const std::string& path, const std::string& url, std::uint64_t timeout_ms) const = 0;
  // Where a git remote or https URL is to be read from instead: the mirror's place for it, when a mirror is set
  // and has it (a folder) or may have it (a URL); absent otherwise.
  virtual std::optional<std::string> mirrored(const std::string& url) const = 0;
};

}  // namespace mlops
