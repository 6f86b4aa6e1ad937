#include "hosts/controller_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/digest.hpp"
#include "base/handle.hpp"
#include "resource/file_source.hpp"

namespace mlops {
namespace {

namespace fs = std::filesystem;

constexpr auto kept_for = std::chrono::hours(24 * 30);

// Removes files that no run has used for a month.
void remove_old(const std::string& folder) {
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    std::error_code ignored;
    if (now - i->last_write_time(ignored) > kept_for && !ignored) fs::remove(i->path(), ignored);
  }
}

}  // namespace

void TrackedFiles::guard(uid_t caller, Guard guard) {
  caller_ = caller;
  guard_ = guard;
}

std::vector<std::string> TrackedFiles::distrusted() const {
  const std::lock_guard lock(mutex_);
  return distrusted_;
}

void TrackedFiles::distrust_too(const std::vector<std::string>& reasons) {
  const std::lock_guard lock(mutex_);
  for (const std::string& reason : reasons)
    if (std::find(distrusted_.begin(), distrusted_.end(), reason) == distrusted_.end())
      distrusted_.push_back(reason);
}

// The reason for refusing it; "" if it is accepted.
std::string TrackedFiles::refusal(const std::string& path, const std::string& wrong) const {
  std::string text = path == wrong.substr(0, path.size()) ? wrong : path + ": " + wrong;
  text += ": root would do what somebody else can write there";
  if (guard_ == Guard::refuse) return text;
  if (std::find(distrusted_.begin(), distrusted_.end(), text) == distrusted_.end())
    distrusted_.push_back(std::move(text));
  return "";
}

JudgedFile TrackedFiles::open(const std::string& path) const {
  if (guard_ == Guard::none) return open_unjudged(path);
  // account databases are read, and those functions return shared static memory
  const std::lock_guard lock(mutex_);
  JudgedFile file = open_judged(path, caller_);
  if (file.wrong.empty()) return file;
  file.wrong = refusal(path, file.wrong);
  return file.wrong.empty() ? open_unjudged(path) : std::move(file);
}

FileBeside TrackedFiles::whole(const std::string& path) const {
  JudgedFile file = open(path);
  if (!file.wrong.empty()) return {.error = EPERM, .refused = std::move(file.wrong)};
  if (!file.entry) return {.error = file.error};
  return read_open_whole(open_for_reading(file).get());
}

FileBeside TrackedFiles::read(const std::string& path, bool content, std::uint64_t limit) const {
  JudgedFile opened = open(path);
  if (!opened.wrong.empty()) return {.error = EPERM, .refused = std::move(opened.wrong)};
  FileBeside file = opened.entry ? read_open(open_for_reading(opened).get(), content, limit)
                                 : FileBeside{.error = opened.error};
  const std::lock_guard lock(mutex_);
  noted_.emplace(path, FileBeside{file.error, file.regular, file.folder, file.size, ""});
  return file;
}

const std::vector<SentDigest>& TrackedFiles::digests() const {
  for (const auto& [path, file] : noted_) {
    SentDigest digest{path, file, ""};
    FileBeside whole = file;
    if (const JudgedFile opened = open(path); file.regular)
      whole = opened.entry ? read_open(open_for_reading(opened).get(), true, FileSource::largest_source)
                           : FileBeside{.error = EPERM};
    if (file.regular && whole.error == 0 && whole.size <= FileSource::largest_source)
      digest.sha256 = sha256_hex(whole.content);
    digests_.push_back(std::move(digest));
  }
  noted_.clear();
  return digests_;
}

ControllerFiles::ControllerFiles(const StartRun& start, std::string cache, Fetch fetch)
    : cache_(std::move(cache)), fetch_(std::move(fetch)) {
  for (const SentText& text : start.texts) texts_[text.path] = text.text;
  for (const SentDigest& digest : start.sources) digests_[digest.path] = digest;
}

FileBeside ControllerFiles::whole(const std::string& path) const {
  FileBeside file;
  const auto found = texts_.find(path);
  if (found == texts_.end())
    file.error = ENOENT;
  else
    file.content = found->second;
  return file;
}

FileBeside ControllerFiles::read(const std::string& path, bool content, std::uint64_t limit) const {
  const auto known = digests_.find(path);
  if (known == digests_.end()) {
    auto given = fetch_({path});
    return given.empty() ? FileBeside{EIO, true, false, 0, ""} : std::move(given.front());
  }
  const SentDigest& digest = known->second;
  FileBeside file = digest.file;
  if (!content || digest.sha256.empty() || file.size > limit) return file;
  if (auto kept = from_cache(digest)) {
    file.content = *std::move(kept);
    return file;
  }
  fetch_missing();
  auto kept = from_cache(digest);
  if (kept) {
    file.content = *std::move(kept);
    return file;
  }
  // The cache cannot be written: a full disk, a read-only home.
  auto given = fetch_({path});
  return given.empty() ? FileBeside{EIO, true, false, 0, ""} : std::move(given.front());
}

std::string ControllerFiles::kept(const std::string& sha256) const { return cache_ + "/" + sha256; }

std::optional<std::string> ControllerFiles::from_cache(const SentDigest& digest) const {
  const std::string path = kept(digest.sha256);
  const FileBeside file = files_on_disk().read(path, true, FileSource::largest_source);
  if (file.error != 0 || sha256_hex(file.content) != digest.sha256) return std::nullopt;
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // marks it as used now
  return file.content;
}

void ControllerFiles::keep(const std::string& sha256, const std::string& content) const {
  const std::string temporary = kept(sha256) + fmt::format(".{}", ::getpid());
  const Handle file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return;
  const ssize_t written = ::write(file.get(), content.data(), content.size());
  if (written != static_cast<ssize_t>(content.size()) || ::rename(temporary.c_str(), kept(sha256).c_str()) != 0)
    ::unlink(temporary.c_str());
}

// All in one request: one round trip, however many are missing.
void ControllerFiles::fetch_missing() const {
  if (std::exchange(fetched_, true)) return;
  std::vector<std::string> paths;
  for (const auto& [path, digest] : digests_)
    if (!digest.sha256.empty() && ::access(kept(digest.sha256).c_str(), R_OK) != 0) paths.push_back(path);
  if (paths.empty()) return;
  std::error_code error;
  fs::create_directories(cache_, error);
  ::chmod(cache_.c_str(), 0700);
  const std::vector<FileBeside> files = fetch_(paths);
  for (std::size_t i = 0; i < std::min(paths.size(), files.size()); ++i)
    if (files[i].error == 0) keep(sha256_hex(files[i].content), files[i].content);
  remove_old(cache_);
}

}  // namespace mlops
