#include "machine/downloads/cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "machine/commands/process.hpp"
#include "machine/files/digest.hpp"

namespace mlops {
namespace {

constexpr std::string_view heading = "mlops-agent downloads 1";
constexpr const char* file_name = "downloads";
constexpr const char* new_name = "downloads.new";
constexpr std::size_t max_bytes = 4u << 20;
constexpr std::size_t fields = 13;

// A descriptor that closes itself.
struct Descriptor {
  int fd;
  explicit Descriptor(int f) : fd(f) {}
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

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

std::string unescape(std::string_view text) {
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
  if (!parse_number(f[8], s.device) || !parse_number(f[9], s.inode) || !parse_number(f[10], s.size) ||
      !parse_number(f[11], s.mtime_ns) || !parse_number(f[12], s.ctime_ns))
    return {};
  r.kind = f[0] == "proof" ? DownloadRecord::Kind::proof : DownloadRecord::Kind::partial;
  std::string* const texts[] = {&r.path, &r.url, &r.sha256_url, &r.sha256, &r.etag, &r.last_modified, &r.boot};
  for (std::size_t i = 0; i < std::size(texts); ++i) *texts[i] = unescape(f[i + 1]);
  if (r.kind == DownloadRecord::Kind::proof && !is_sha256(r.sha256)) return {};
  return r;
}

std::string format_record(const DownloadRecord& r) {
  const FileStamp& s = r.stamp;
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                     r.kind == DownloadRecord::Kind::proof ? "proof" : "partial", escape(r.path), escape(r.url),
                     escape(r.sha256_url), escape(r.sha256), escape(r.etag), escape(r.last_modified),
                     escape(r.boot), s.device, s.inode, s.size, s.mtime_ns, s.ctime_ns);
}

// The folder when it is ours alone to write; -1 otherwise.
int open_folder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;
  if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 022) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

void make_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) == 0 || errno != ENOENT) return;
  mkdir(folder.substr(0, folder.rfind('/')).c_str(), 0700);
  mkdir(folder.c_str(), 0700);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool same_key(const DownloadRecord& a, const DownloadRecord& b) {
  return a.kind == b.kind && a.path == b.path && a.url == b.url && a.sha256_url == b.sha256_url;
}

}  // namespace

FileStamp stamp_of(const struct stat& st) {
  const auto ns = [](const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  return {st.st_dev, st.st_ino, static_cast<std::uint64_t>(st.st_size), ns(st.st_mtim), ns(st.st_ctim)};
}

std::string format_records(const std::vector<DownloadRecord>& records) {
  std::string text(heading);
  text += '\n';
  for (const DownloadRecord& r : records) text += format_record(r);
  return text + sha256_hex(text) + "\n";
}

std::optional<std::vector<DownloadRecord>> parse_records(std::string_view text) {
  constexpr std::size_t tail = 65;  // the digest of what is before it, and a newline
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

std::optional<DownloadRecord> DownloadCache::find(DownloadRecord::Kind kind, const std::string& path,
                                                  const std::string& url, const std::string& sha256_url) const {
  for (DownloadRecord& r : read())
    if (r.kind == kind && r.path == path && r.url == url && r.sha256_url == sha256_url) return std::move(r);
  return {};
}

void DownloadCache::keep(const DownloadRecord& record) {
  std::vector<DownloadRecord> records = read();
  std::erase_if(records, [&](const DownloadRecord& r) { return same_key(r, record); });
  records.push_back(record);
  if (records.size() > max_records) records.erase(records.begin(), records.end() - max_records);
  write(records);
}

void DownloadCache::forget(DownloadRecord::Kind kind, const std::string& path) {
  std::vector<DownloadRecord> records = read();
  if (std::erase_if(records, [&](const DownloadRecord& r) { return r.kind == kind && r.path == path; }))
    write(records);
}

std::vector<DownloadRecord> DownloadCache::read() const {
  const Descriptor folder(open_folder(folder_));
  if (folder.fd < 0) return {};
  const Descriptor file(openat(folder.fd, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st;
  if (file.fd < 0 || fstat(file.fd, &st) != 0 || !S_ISREG(st.st_mode)) return {};
  std::string text(static_cast<std::size_t>(std::min<off_t>(st.st_size, max_bytes)), '\0');
  if (::read(file.fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {};
  return parse_records(text).value_or(std::vector<DownloadRecord>());
}

void DownloadCache::write(const std::vector<DownloadRecord>& records) const {
  make_folder(folder_);
  const Descriptor folder(open_folder(folder_));
  if (folder.fd < 0) return;
  unlinkat(folder.fd, new_name, 0);  // of a run that was killed
  const Descriptor file(
      openat(folder.fd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.fd < 0) return;
  if (write_all(file.fd, format_records(records)))
    renameat(folder.fd, new_name, folder.fd, file_name);
  else
    unlinkat(folder.fd, new_name, 0);
}

std::string default_cache_folder(const ActingUser& who) {
  const char* const given = std::getenv("XDG_CACHE_HOME");
  if (given && given[0] == '/' && !std::getenv("SUDO_UID") && who.uid == getuid())
    return std::string(given) + "/mlops-agent";
  return who.home + "/.cache/mlops-agent";
}

}  // namespace mlops
