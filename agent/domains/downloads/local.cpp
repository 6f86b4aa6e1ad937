#include "domains/downloads/local.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/digest.hpp"
#include "base/handle.hpp"
#include "domains/downloads/checksum_file.hpp"
#include "domains/downloads/remote_place.hpp"
#include "domains/files/staged_file.hpp"

namespace mlops {
namespace {

constexpr std::uint64_t checksum_file_limit = 4u << 20;
constexpr std::size_t block = 256u << 10;
constexpr std::uint32_t new_file_mode = 0644;
constexpr std::chrono::milliseconds progress_interval{100};

// A file in a mirror's folder; absent if it does not exist.
struct MirrorFile {
  Handle handle;
  std::uint64_t size = 0;
  std::string version;  // takes the place of an ETag
};
std::optional<MirrorFile> open_mirror_file(const std::string& path) {
  Handle handle(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat s;
  if (!handle || fstat(handle.get(), &s) != 0 || !S_ISREG(s.st_mode)) return {};
  const FileStamp stamp = stamp_of(s);
  return MirrorFile{std::move(handle), stamp.size, fmt::format("file:{}-{}", stamp.size, stamp.mtime_ns)};
}

// Passes the file's bytes on in blocks.
void read_blocks(const MirrorFile& file, const std::string& path,
                 const std::function<void(std::string_view)>& take) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(block);
  for (;;) {
    const ssize_t n = read(file.handle.get(), buffer.get(), block);
    if (n < 0) throw system_error("cannot read " + path, errno);
    if (n == 0) return;
    take({buffer.get(), static_cast<std::size_t>(n)});
  }
}

bool is_folder(const std::string& path) {
  struct stat s;
  return stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

// The causes of all origins, the real one's first.
std::string joined(const std::vector<std::string>& causes) {
  std::string text = causes.back();
  for (std::size_t i = 0; i + 1 < causes.size(); ++i) text += "; the mirror: " + causes[i];
  return text;
}

PartialFile::Attributes attributes(const Download& action, const Walker::Place& place,
                                   const OwnerNames& names) {
  PartialFile::Attributes a{action.mode.value_or(new_file_mode)};
  struct stat now;
  const bool exists = fstatat(place.folder, place.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
  if (exists && !S_ISREG(now.st_mode))
    throw Error(fmt::format("{} is {}; it is not replaced", action.path,
                            S_ISDIR(now.st_mode) ? "a folder" : "no regular file"));
  if (exists) a = {a.mode, now.st_uid, now.st_gid};
  if (!action.owner.empty()) {
    const auto uid = names.uid(action.owner);
    if (!uid) throw Error(fmt::format("user `{}` does not exist", action.owner), ErrorKind::unavailable);
    a.user = *uid;
  }
  if (!action.group.empty()) {
    const auto gid = names.gid(action.group);
    if (!gid) throw Error(fmt::format("group `{}` does not exist", action.group), ErrorKind::unavailable);
    a.group = *gid;
  }
  if (exists) {
    a.keep_acl = a.user == now.st_uid;
    if (!action.mode) a.mode = replaced_file_mode(place, now, !a.keep_acl, names);
  }
  return a;
}

}  // namespace

LocalDownloads::LocalDownloads(DownloadSettings settings, Walker& walker, OwnerNames& names,
                               const Cancellation& cancellation, ProgressSink progress)
    : settings_(std::move(settings)),
      mirror_(settings_.mirror),
      walker_(walker),
      names_(names),
      cancellation_(cancellation),
      progress_(std::move(progress)),
      cache_(settings_.cache_dir),
      shared_cache_(settings_.shared_cache_dir),
      http_(cancellation, settings_.ca_file, settings_.stall) {
  if (!settings_.wait) settings_.wait = wait_until_cancelled(cancellation);
}

Patience LocalDownloads::patience(const std::string& url, std::uint64_t timeout_ms) const {
  return {settings_.wait, "GET " + url, timeout_ms};
}

std::vector<LocalDownloads::Origin> LocalDownloads::origins(const std::string& url) const {
  std::vector<Origin> list;
  if (const auto place = mirror_.place_of(url)) list.push_back({*place, mirror_.is_folder()});
  list.push_back({url, false});
  return list;
}

// ---- records of earlier downloads ---------------------------------------------------------------------------

std::optional<DownloadRecord> LocalDownloads::recall(const std::string& path, const std::string& url,
                                                     const std::string& sha256_url) const {
  const std::string key = download_key(path, url, sha256_url);
  auto record = cache_.find(DownloadRecord::Kind::proof, key);
  if (!record) record = shared_cache_.find(DownloadRecord::Kind::proof, key);
  const auto place = record ? walker_.target_place(path) : std::nullopt;
  struct stat now;
  if (!place || fstatat(place->folder, place->name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(now.st_mode))
    return {};
  if (stamp_of(now) == record->stamp) return record;
  if (stamp_of(now).size != record->stamp.size) return {};
  const Handle file(openat(place->folder, place->name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file || sha256_hex(file.get(), &cancellation_) != record->sha256) return {};
  record->stamp = stamp_of(now);
  cache_.keep(*record);
  return record;
}

std::optional<std::string> LocalDownloads::proved(const std::string& path, const std::string& url,
                                                  const std::string& sha256_url) const {
  if (const auto record = recall(path, url, sha256_url)) return record->sha256;
  return {};
}

bool LocalDownloads::unchanged(const std::string& path, const std::string& url,
                               std::uint64_t timeout_ms) const {
  const std::string key = download_key(path, url, "");
  const auto record = recall(path, url, "");
  if (record && fetched_.contains(key)) return true;
  const auto place = walker_.target_place(path);
  struct stat now;
  if (!place || fstatat(place->folder, place->name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(now.st_mode))
    return false;
  const FileStamp stamp = stamp_of(now);
  if (const auto known = compared_.find(key); known != compared_.end() && known->second.stamp == stamp)
    return known->second.same;
  const bool same = is_what_url_has(*place, stamp, url, record, patience(url, timeout_ms));
  compared_[key] = {stamp, same};
  return same;
}

// Asks for the known version. If the server sends the content instead, its bytes are compared.
bool LocalDownloads::is_what_url_has(const Walker::Place& place, const FileStamp& stamp, const std::string& url,
                                     const std::optional<DownloadRecord>& record,
                                     const Patience& patience) const {
  const auto digest = [&]() -> std::string {
    if (record) return record->sha256;
    const Handle file(openat(place.folder, place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) throw system_error("cannot read " + place.name, errno);
    return sha256_hex(file.get(), &cancellation_);
  };
  const Validators known = record ? Validators{record->etag, record->last_modified} : Validators{};
  std::vector<std::string> causes;
  for (const Origin& origin : origins(url)) {
    if (!origin.is_file) try {
        const auto found = content_digest(origin.place, known, stamp.size, http_, patience);
        if (found.end == ContentDigest::End::unchanged) return true;
        return found.end == ContentDigest::End::whole && found.sha256 == digest();
      } catch (const NotHad& e) {
        causes.push_back(e.cause);
        continue;
      }
    if (const auto file = open_mirror_file(origin.place)) {
      if (!known.etag.empty() && file->version == known.etag) return true;
      return file->size == stamp.size && sha256_hex(file->handle.get(), &cancellation_) == digest();
    }
    causes.push_back(fmt::format("there is no {}", origin.place));
  }
  throw Error(joined(causes));
}

// ---- checksum files -----------------------------------------------------------------------------------------

std::string LocalDownloads::text_of(const std::string& url, const Patience& patience) const {
  std::vector<std::string> causes;
  for (const Origin& origin : origins(url)) {
    if (!origin.is_file) try {
        return transfer_text(origin.place, checksum_file_limit, http_, patience);
      } catch (const NotHad& e) {
        causes.push_back(e.cause);
        continue;
      }
    if (const auto file = open_mirror_file(origin.place)) {
      std::string text;
      check_size(url, file->size, checksum_file_limit);
      read_blocks(*file, origin.place, [&](std::string_view bytes) { text += bytes; });
      return text;
    }
    causes.push_back(fmt::format("there is no {}", origin.place));
  }
  throw Error(joined(causes));
}

std::string LocalDownloads::published_sha256(const std::string& sha256_url, const std::string& file_name,
                                             std::uint64_t timeout_ms) const {
  return published(sha256_url, file_name, patience(sha256_url, timeout_ms));
}

std::string LocalDownloads::published(const std::string& sha256_url, const std::string& file_name,
                                      const Patience& patience) const {
  auto known = texts_.find(sha256_url);
  if (known == texts_.end()) {
    Answer answer;
    try {
      answer.text = text_of(sha256_url, patience);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      answer.error = e.message();
    }
    known = texts_.emplace(sha256_url, std::move(answer)).first;
  }
  if (!known->second.error.empty()) throw Error(known->second.error);
  try {
    return find_sha256(parse_checksum_file(known->second.text), file_name);
  } catch (Error& e) {
    throw e.while_doing(sha256_url);
  }
}

// ---- the mirror ---------------------------------------------------------------------------------------------

std::optional<std::string> LocalDownloads::mirrored(const std::string& url) const {
  const auto place = mirror_.place_of(url);
  if (!place) return {};
  const auto known = mirrored_.find(url);
  if (known != mirrored_.end()) return known->second;
  const bool has_suffix = place->ends_with(".git");
  const std::string other = has_suffix ? place->substr(0, place->size() - 4) : *place + ".git";
  std::optional<std::string> found;
  for (const std::string& candidate : {*place, other}) {
    if (found) break;
    if (mirror_.is_folder() ? is_folder(candidate) : has_git_repository(candidate, http_)) found = candidate;
  }
  return mirrored_[url] = found;
}

// ---- fetching -----------------------------------------------------------------------------------------------

void LocalDownloads::report(const std::string& url, std::uint64_t done, std::uint64_t total) {
  const auto now = std::chrono::steady_clock::now();
  if (!progress_ || now - reported_ < progress_interval) return;
  reported_ = now;
  progress_({"downloading " + url, done, total});
}

Validators LocalDownloads::fetch(const Download& action, const std::string& sha256, PartialFile& part,
                                 const Patience& patience) {
  std::vector<std::string> causes;
  for (const Origin& origin : origins(action.url)) {
    if (!causes.empty() && part.size() > 0) part.restart();  // left by another origin
    const auto progress = [&](std::uint64_t done, std::uint64_t total) { report(action.url, done, total); };
    if (!origin.is_file) try {
        return transfer({origin.place, action.url, sha256, download_key(action.path, origin.place, ""),
                         action.size_limit, progress},
                        http_, cache_, part, patience);
      } catch (const NotHad& e) {
        causes.push_back(e.cause);
        continue;
      }
    if (const auto file = open_mirror_file(origin.place)) {
      check_size(action.url, file->size, action.size_limit);
      part.restart();
      read_blocks(*file, origin.place, [&](std::string_view bytes) {
        check_size(action.url, part.size() + bytes.size(), action.size_limit);
        part.append(bytes);
        progress(part.size(), file->size);
      });
      return {file->version, ""};
    }
    causes.push_back(fmt::format("there is no {}", origin.place));
  }
  throw Error(joined(causes));
}

// A resumed file may mix two versions, or have holes: it is downloaded once more in full.
Validators LocalDownloads::fetch_verified(const Download& action, const std::string& sha256, PartialFile& part,
                                          const Patience& patience) {
  const bool begun = part.size() > 0;
  Validators validators = fetch(action, sha256, part, patience);
  if (sha256.empty() || part.sha256() == sha256) return validators;
  if (begun) {
    part.restart();
    validators = fetch(action, sha256, part, patience);
  }
  const std::string found = part.sha256();
  if (found == sha256) return validators;
  part.remove();
  throw Error(fmt::format("{} has the SHA-256 {}, expected {}; it was removed", action.url, found, sha256));
}

void LocalDownloads::perform(const Download& action) {
  const Patience patience = this->patience(action.url, action.timeout_ms);
  std::string sha256 = lower_hex(action.sha256);
  if (sha256.empty() && !action.sha256_url.empty())
    sha256 = published(action.sha256_url, url_file_name(action.url), patience);
  const auto place = walker_.target_place(action.path);
  if (!place) throw Error(fmt::format("the folder of {} does not exist", action.path));
  const PartialFile::Attributes wanted = attributes(action, *place, names_);

  PartialFile part(*place, action.path, cancellation_);
  Validators validators;
  try {
    validators = fetch_verified(action, sha256, part, patience);
  } catch (...) {
    if (part.size() == 0) part.remove();
    throw;
  }
  const std::string digest = part.sha256();
  const struct stat placed = part.put_in_place(wanted);
  for (const Origin& origin : origins(action.url))
    cache_.forget(DownloadRecord::Kind::partial, download_key(action.path, origin.place, ""));
  fetched_.insert(download_key(action.path, action.url, action.sha256_url));
  cache_.keep({DownloadRecord::Kind::proof, download_key(action.path, action.url, action.sha256_url), digest,
               validators.etag, validators.last_modified, "", stamp_of(placed)});
}

}  // namespace mlops
