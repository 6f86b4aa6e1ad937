// The reads of downloads as values, one for each member of DownloadReader: what decorates a reader handles each
// as one of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/downloads/reader.hpp"

namespace mlops {

struct ReadPublished {
  using Result = std::string;
  std::string sha256_url;
  std::string file_name;
  std::uint64_t timeout_ms = 0;
  Result ask(const DownloadReader& reader) const {
    return reader.published_sha256(sha256_url, file_name, timeout_ms);
  }
};
struct ReadProved {
  using Result = std::optional<std::string>;
  std::string path;
  std::string url;
  std::string sha256_url;
  Result ask(const DownloadReader& reader) const { return reader.proved(path, url, sha256_url); }
};
struct ReadUnchanged {
  using Result = bool;
  std::string path;
  std::string url;
  std::uint64_t timeout_ms = 0;
  Result ask(const DownloadReader& reader) const { return reader.unchanged(path, url, timeout_ms); }
};
struct ReadMirrored {
  using Result = std::optional<std::string>;
  std::string url;
  Result ask(const DownloadReader& reader) const { return reader.mirrored(url); }
};

using DownloadQueries = TypeList<ReadPublished, ReadProved, ReadUnchanged, ReadMirrored>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedDownloads : public DownloadReader {
  std::string published_sha256(const std::string& sha256_url, const std::string& file_name,
                               std::uint64_t timeout_ms) const override {
    return asker().ask(ReadPublished{sha256_url, file_name, timeout_ms});
  }
  std::optional<std::string> proved(const std::string& path, const std::string& url,
                                    const std::string& sha256_url) const override {
    return asker().ask(ReadProved{path, url, sha256_url});
  }
  bool unchanged(const std::string& path, const std::string& url, std::uint64_t timeout_ms) const override {
    return asker().ask(ReadUnchanged{path, url, timeout_ms});
  }
  std::optional<std::string> mirrored(const std::string& url) const override {
    return asker().ask(ReadMirrored{url});
  }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
