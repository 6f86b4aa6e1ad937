#include "domains/downloads/cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "base/digest.hpp"
#include "base/handle.hpp"
#include "base/timespec.hpp"

namespace mlops {
namespace {

constexpr std::string_view heading = "mlops-agent downloads 1";
constexpr const char* record_name = "downloads";
constexpr const char* new_name = "downloads.new";
constexpr std::size_t max_bytes = 4u << 20;
constexpr std::size_t fields = 11;

std::string escape(std::string_view text) {
  std::string s;
  for (const char c : text) {
    if (c == '\\')
      s += "\\\\";
    else if (c == '\t')
      s += "\\t";
    else if (c == '\n')
      s += "\\n";
    else
      s += c;
  }
  return s;
}

std::string unescape_field(std::string_view text) {
  std::string s;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size())
      s += text[i];
    else
      s += text[++i] == 't' ? '\t' : text[i] == 'n' ? '\n' : text[i];
  }
  return s;
}

template <class T>
bool parse_number(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<DownloadRecord> parse_record(std::string_view line) {
  std::array<std::string_view, fields> f;
  std::size_t n = 0;
  for (std::size_t from = 0; from <= line.size(); ++n) {
    if (n == fields) return {};
    const std::size_t to = std::min(line.find('\t', from), line.size());
    f[n] = line.substr(from, to - from);
    from = to + 1;
  }
  DownloadRecord r;
  FileStamp& s = r.stamp;
  if (n != fields || (f[0] != "proof" && f[0] != "partial")) return {};
  if (!parse_number(f[6], s.device) || !parse_number(f[7], s.inode) || !parse_number(f[8], s.size) ||
      !parse_number(f[9], s.mtime_ns) || !parse_number(f[10], s.ctime_ns))
    return {};
  r.kind = f[0] == "proof" ? DownloadRecord::Kind::proof : DownloadRecord::Kind::partial;
  std::string* const texts[] = {&r.key, &r.sha256, &r.etag, &r.last_modified, &r.boot};
  for (std::size_t i = 0; i < std::size(texts); ++i) *texts[i] = unescape_field(f[i + 1]);
  if (r.kind == DownloadRecord::Kind::proof && !is_sha256(r.sha256)) return {};
  return r;
}

std::string format_record(const DownloadRecord& r) {
  const FileStamp& s = r.stamp;
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                     r.kind == DownloadRecord::Kind::proof ? "proof" : "partial", escape(r.key),
                     escape(r.sha256), escape(r.etag), escape(r.last_modified), escape(r.boot), s.device,
                     s.inode, s.size, s.mtime_ns, s.ctime_ns);
}

// The folder if only its owner, which is this user or root, may write to it.
Handle open_folder(const std::string& folder) {
  Handle handle(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat st;
  if (!handle || fstat(handle.get(), &st) != 0) return {};
  const bool trusted = (st.st_uid == geteuid() || st.st_uid == 0) && (st.st_mode & 022) == 0;
  return trusted ? std::move(handle) : Handle();
}

mode_t folder_mode() { return geteuid() == 0 ? 0755 : 0700; }
mode_t file_mode() { return geteuid() == 0 ? 0644 : 0600; }

void make_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), folder_mode()) == 0 || errno != ENOENT) return;
  mkdir(folder.substr(0, folder.rfind('/')).c_str(), folder_mode());
  mkdir(folder.c_str(), folder_mode());
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool same(const DownloadRecord& r, DownloadRecord::Kind kind, const std::string& key) {
  return r.kind == kind && r.key == key;
}

}  // namespace

FileStamp stamp_of(const struct stat& st) {
  return {st.st_dev, st.st_ino, static_cast<std::uint64_t>(st.st_size), nanoseconds(st.st_mtim),
          nanoseconds(st.st_ctim)};
}

std::string download_key(const std::string& path, const std::string& url, const std::string& sha256_url) {
  return sha256_hex(fmt::format("{}\n{}\n{}", path, url, sha256_url));
}

std::string format_records(const std::vector<DownloadRecord>& records) {
  std::string text(heading);
  text += '\n';
  for (const DownloadRecord& r : records) text += format_record(r);
  return text + sha256_hex(text) + "\n";
}

std::optional<std::vector<DownloadRecord>> parse_records(std::string_view text) {
  constexpr std::size_t tail = 65;  // the digest of the preceding bytes, and a newline
  if (text.size() < heading.size() + 1 + tail || !text.starts_with(heading)) return {};
  std::string_view rest = text.substr(0, text.size() - tail);
  if (text.substr(rest.size()) != sha256_hex(rest) + "\n") return {};
  std::vector<DownloadRecord> records;
  for (rest.remove_prefix(heading.size() + 1); !rest.empty();) {
    const std::size_t end = rest.find('\n');
    auto record = parse_record(rest.substr(0, end));
    if (!record || end == rest.npos) return {};
    records.push_back(std::move(*record));
    rest.remove_prefix(end + 1);
  }
  return records;
}

DownloadCache::DownloadCache(std::string folder) : folder_(std::move(folder)) {}

std::optional<DownloadRecord> DownloadCache::find(DownloadRecord::Kind kind, const std::string& key) const {
  for (DownloadRecord& r : read())
    if (same(r, kind, key)) return std::move(r);
  return {};
}

void DownloadCache::keep(const DownloadRecord& record) {
  std::vector<DownloadRecord> records = read();
  std::erase_if(records, [&](const DownloadRecord& r) { return same(r, record.kind, record.key); });
  records.push_back(record);
  if (records.size() > max_records) records.erase(records.begin(), records.end() - max_records);
  write(records);
}

void DownloadCache::forget(DownloadRecord::Kind kind, const std::string& key) {
  std::vector<DownloadRecord> records = read();
  if (std::erase_if(records, [&](const DownloadRecord& r) { return same(r, kind, key); })) write(records);
}

std::vector<DownloadRecord> DownloadCache::read() const {
  const Handle folder = open_folder(folder_);
  if (!folder) return {};
  const Handle file(openat(folder.get(), record_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st;
  if (!file || fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  std::string text(static_cast<std::size_t>(std::min<off_t>(st.st_size, max_bytes)), '\0');
  if (::read(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {};
  return parse_records(text).value_or(std::vector<DownloadRecord>());
}

void DownloadCache::write(const std::vector<DownloadRecord>& records) const {
  make_folder(folder_);
  const Handle folder = open_folder(folder_);
  if (!folder) return;
  unlinkat(folder.get(), new_name, 0);  // left by a run that was killed
  const Handle file(
      openat(folder.get(), new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode()));
  if (!file) return;
  if (write_all(file.get(), format_records(records)))
    renameat(folder.get(), new_name, folder.get(), record_name);
  else
    unlinkat(folder.get(), new_name, 0);
}

}  // namespace mlops
