// Downloads of this machine.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/network_patience.hpp"
#include "base/process.hpp"
#include "base/progress.hpp"
#include "base/type_list.hpp"
#include "domains/accounts/owner_names.hpp"
#include "domains/downloads/actions.hpp"
#include "domains/downloads/cache.hpp"
#include "domains/downloads/mirror.hpp"
#include "domains/downloads/reader.hpp"
#include "domains/downloads/transfer.hpp"
#include "domains/files/safe_path.hpp"
#include "domains/local_context.hpp"
#include "http/client.hpp"
#include "http/retry.hpp"

namespace mlops {

struct DownloadSettings {
  std::string mirror;     // a folder or a URL; "": none
  std::string cache_dir;  // of the acting user
  ActingUser who;
  std::string shared_cache_dir = "/var/cache/mlops-agent";  // root's, which is world-readable
  std::string ca_file;                        // certificates to trust instead of the system's; "": the system's
  Wait wait;                                  // between attempts; empty: real time
  std::chrono::milliseconds stall{stall_ms};  // a transfer ends after this long without a byte; whole seconds
};

// curl is loaded by the first request: a run without downloads does not load it. walker, names and cancellation
// must outlive it. Not thread-safe.
class LocalDownloads : public DownloadReader {
 public:
  LocalDownloads(DownloadSettings settings, Walker& walker, OwnerNames& names, const Cancellation& cancellation,
                 ProgressSink progress);

  // If the stamp has changed but not the size (a mode was set), the content is read again and the cache
  // updated.
  std::optional<std::string> proved(const std::string& path, const std::string& url,
                                    const std::string& sha256_url) const override;
  std::string published_sha256(const std::string& sha256_url, const std::string& file_name,
                               std::uint64_t timeout_ms) const override;
  bool unchanged(const std::string& path, const std::string& url, std::uint64_t timeout_ms) const override;
  std::optional<std::string> mirrored(const std::string& url) const override;

  // An existing file keeps mode, owner and group unless the action gives them. Error names the URL, and the
  // place on the mirror if there is one. An interrupted transfer leaves the partial file for the next run;
  // content with a wrong digest is removed.
  void perform(const Download& action);

 private:
  // One place from which a URL can be read.
  struct Origin {
    std::string place;  // a path or a URL
    bool is_file = false;
  };
  std::vector<Origin> origins(const std::string& url) const;
  Patience patience(const std::string& url, std::uint64_t timeout_ms) const;
  std::string text_of(const std::string& url, const Patience& patience) const;
  std::string published(const std::string& sha256_url, const std::string& file_name,
                        const Patience& patience) const;
  Validators fetch(const Download& action, const std::string& sha256, PartialFile& part,
                   const Patience& patience);
  Validators fetch_verified(const Download& action, const std::string& sha256, PartialFile& part,
                            const Patience& patience);
  void report(const std::string& url, std::uint64_t done, std::uint64_t total);
  bool is_what_url_has(const Walker::Place& place, const FileStamp& stamp, const std::string& url,
                       const std::optional<DownloadRecord>& record, const Patience& patience) const;
  std::optional<DownloadRecord> recall(const std::string& path, const std::string& url,
                                       const std::string& sha256_url) const;

  DownloadSettings settings_;
  Mirror mirror_;
  Walker& walker_;
  OwnerNames& names_;
  const Cancellation& cancellation_;
  ProgressSink progress_;
  std::chrono::steady_clock::time_point reported_{};
  mutable DownloadCache cache_;
  DownloadCache shared_cache_;
  mutable HttpClient http_;
  struct Answer {
    std::string text, error;
  };
  mutable std::map<std::string, Answer> texts_;  // this run's checksum files, by URL
  mutable std::map<std::string, std::optional<std::string>> mirrored_;
  struct Compared {
    FileStamp stamp;
    bool same = false;
  };
  mutable std::map<std::string, Compared> compared_;  // by download_key(): this run's comparisons
  std::set<std::string> fetched_;  // download_key() of this run's downloads: unchanged without asking
};

// The domain's part of the local machine.
struct DownloadsLocal : LocalPart {
  explicit DownloadsLocal(const LocalContext& c)
      : reader({c.mirror, c.cache_dir, c.who}, c.walker, c.names, c.cancellation, c.progress) {}
  void perform(const OneOf<DownloadActions> auto& action) { reader.perform(action); }
  LocalDownloads reader;
};

}  // namespace mlops
