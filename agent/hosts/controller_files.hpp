// The controller's files as the target sees them: sent once, cached by digest.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/trust.hpp"
#include "hosts/protocol.hpp"
#include "resource/file_source.hpp"

namespace mlops {

// Records each file that a playbook is read with, so that their digests can be sent to a host. Reads from the
// disk. Thread-safe except for digests.
class TrackedFiles : public FileSource {
 public:
  FileBeside read(const std::string& path, bool content, std::uint64_t limit) const override;
  FileBeside whole(const std::string& path) const override;
  std::string similar(const std::string& path) const override { return files_on_disk().similar(path); }

  // Of the files recorded so far, each hashed once.
  const std::vector<SentDigest>& digests() const;

  // From now on files that someone other than root and the caller could change (see distrust) are refused, or
  // only recorded: if nothing runs as another user, trusting them is up to the caller.
  enum class Guard { none, note, refuse };
  void guard(uid_t caller, Guard guard);
  // Why the recorded files are not trusted.
  std::vector<std::string> distrusted() const;
  // Adds reasons that were found elsewhere.
  void distrust_too(const std::vector<std::string>& reasons);
  // The file that the path leads to, judged as guard says. wrong: the reason for refusing it, as a sentence.
  JudgedFile open(const std::string& path) const;

 private:
  std::string refusal(const std::string& path, const std::string& wrong) const;

  uid_t caller_ = 0;
  Guard guard_ = Guard::none;
  mutable std::mutex mutex_;
  mutable std::vector<std::string> distrusted_;
  mutable std::map<std::string, FileBeside> noted_;
  mutable std::vector<SentDigest> digests_;
};

// The target's side: texts that came with the run, contents from the cache folder, the rest requested from the
// controller.
class ControllerFiles : public FileSource {
 public:
  using Fetch = std::function<std::vector<FileBeside>(const std::vector<std::string>& paths)>;
  // cache: a folder for data that may be lost; created if missing.
  ControllerFiles(const StartRun& start, std::string cache, Fetch fetch);

  FileBeside read(const std::string& path, bool content, std::uint64_t limit) const override;
  FileBeside whole(const std::string& path) const override;
  std::string similar(const std::string&) const override { return ""; }

 private:
  std::string kept(const std::string& sha256) const;
  std::optional<std::string> from_cache(const SentDigest& digest) const;
  void keep(const std::string& sha256, const std::string& content) const;
  void fetch_missing() const;

  std::map<std::string, std::string> texts_;
  std::map<std::string, SentDigest> digests_;
  std::string cache_;
  Fetch fetch_;
  mutable bool fetched_ = false;
};

}  // namespace mlops
