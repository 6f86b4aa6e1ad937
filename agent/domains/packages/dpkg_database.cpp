#include "domains/packages/dpkg_database.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/trimmed.hpp"

namespace mlops {
namespace {

// "want ok half-installed": the second word is reinstreq if it must be unpacked again.
PackageState state_of(std::string_view status) {
  const auto word = status.substr(status.rfind(' ') + 1);
  if (word == "not-installed") return PackageState::absent;
  if (status.find(" reinstreq ") != std::string_view::npos) return PackageState::interrupted;
  if (word == "installed") return PackageState::installed;
  if (word == "config-files") return PackageState::config_files;
  return PackageState::interrupted;  // unpacked, half-installed, half-configured, triggers-*
}

// "mail-transport-agent, awk (= 1.3), foo:any" reduced to the names.
std::vector<std::string> provided_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    const std::string_view item = trimmed(list.substr(0, comma), " \t");
    names.emplace_back(item.substr(0, item.find_first_of(" (:")));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return names;
}

DpkgEntry parse_paragraph(std::string_view text) {
  DpkgEntry entry;
  std::string_view status;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto colon = line.find(':');
    if (line.empty() || line[0] == ' ' || line[0] == '\t' || colon == std::string_view::npos) continue;
    const std::string_view field = line.substr(0, colon), value = trimmed(line.substr(colon + 1), " \t");
    if (field == "Package")
      entry.name = value;
    else if (field == "Status")
      status = value;
    else if (field == "Architecture")
      entry.architecture = value;
    else if (field == "Version")
      entry.version = value;
    else if (field == "Provides")
      entry.provides = provided_names(value);
  }
  entry.state = state_of(status);
  entry.held = status.starts_with("hold ");
  entry.unpack_again = status.find(" reinstreq ") != std::string_view::npos;
  return entry;
}

// From the start of a paragraph to the empty line after it.
std::string_view paragraph_at(std::string_view text, std::size_t start) {
  const auto end = text.find("\n\n", start);
  return text.substr(start, end == std::string_view::npos ? end : end + 1 - start);
}

// memmem(3) is several times as fast as string_view::find on such texts.
std::size_t find_from(std::string_view text, std::string_view what, std::size_t from) {
  if (from >= text.size()) return std::string_view::npos;
  const void* at = ::memmem(text.data() + from, text.size() - from, what.data(), what.size());
  return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : std::string_view::npos;
}

// dpkg writes Package first in each paragraph.
std::vector<std::string_view> paragraphs_of(std::string_view text, std::string_view name) {
  std::vector<std::string_view> found;
  const std::string line = fmt::format("\nPackage: {}\n", name);
  if (text.starts_with(std::string_view(line).substr(1))) found.push_back(paragraph_at(text, 0));
  for (auto at = find_from(text, line, 0); at != std::string_view::npos; at = find_from(text, line, at + 1))
    found.push_back(paragraph_at(text, at + 1));
  return found;
}

std::vector<std::string_view> all_paragraphs(std::string_view text) {
  std::vector<std::string_view> found;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view paragraph = paragraph_at(text, at);
    if (paragraph.find_first_not_of('\n') != std::string_view::npos) found.push_back(paragraph);
    at += paragraph.size() + 1;
  }
  return found;
}

bool same_package(const DpkgEntry& a, const DpkgEntry& b) {
  return a.name == b.name &&
         (a.architecture == b.architecture || a.architecture.empty() || b.architecture.empty());
}

// Later paragraphs replace earlier ones of the same package.
std::vector<DpkgEntry> merge(std::vector<DpkgEntry> entries, std::vector<DpkgEntry> later) {
  for (DpkgEntry& entry : later) {
    const auto same =
        std::find_if(entries.begin(), entries.end(), [&](auto& e) { return same_package(e, entry); });
    if (same == entries.end())
      entries.push_back(std::move(entry));
    else
      *same = std::move(entry);
  }
  return entries;
}

bool is_number(std::string_view name) {
  return !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
}

// The journal's files have names of four digits; others are still being written.
std::vector<std::string> journal_files(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), &::closedir);
  if (!dir) return names;
  while (const dirent* entry = ::readdir(dir.get()))
    if (is_number(entry->d_name)) names.push_back(folder + "/" + entry->d_name);
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_all(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char block[16384];
  for (ssize_t n; file && (n = ::read(file.get(), block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(n));
  return text;
}

std::string file_stamp(const std::string& path) {
  struct stat s;
  if (::stat(path.c_str(), &s) != 0) return "-";
  return fmt::format("{}.{}.{}.{}.{}", s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
                     s.st_ctim.tv_nsec);
}

}  // namespace

std::vector<DpkgEntry> dpkg_entries(std::string_view text, std::string_view name) {
  std::vector<DpkgEntry> entries;
  for (const std::string_view paragraph : name.empty() ? all_paragraphs(text) : paragraphs_of(text, name))
    entries = merge(std::move(entries), {parse_paragraph(paragraph)});
  return entries;
}

DpkgDatabase::DpkgDatabase(std::string folder) : folder_(std::move(folder)) {}
DpkgDatabase::~DpkgDatabase() { unmap(); }

void DpkgDatabase::unmap() const {
  if (map_) ::munmap(map_, size_);
  map_ = nullptr;
  size_ = 0;
}

std::string DpkgDatabase::stamp() const {
  return file_stamp(folder_ + "/status") + file_stamp(folder_ + "/updates");
}

// dpkg replaces status by rename, so that a mapping stays consistent.
void DpkgDatabase::refresh() const {
  const std::string now = stamp();
  if (map_ && now == stamp_) return;
  const std::string path = folder_ + "/status";
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT)
    throw Error(fmt::format("no dpkg on this machine: there is no {}", path), ErrorKind::unavailable);
  if (!file) throw system_error("reading " + path, errno);
  struct stat s;
  if (::fstat(file.get(), &s) != 0) throw system_error("reading " + path, errno);
  unmap();
  native_.clear();
  if (s.st_size > 0) {
    void* map = ::mmap(nullptr, static_cast<std::size_t>(s.st_size), PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (map == MAP_FAILED) throw system_error("reading " + path, errno);
    map_ = map;
    size_ = static_cast<std::size_t>(s.st_size);
  }
  journal_.clear();
  for (const std::string& name : journal_files(folder_ + "/updates")) journal_ += read_all(name) + "\n\n";
  stamp_ = now;
}

std::vector<DpkgEntry> DpkgDatabase::find(const std::string& name) const {
  return merge(dpkg_entries(text(), name), dpkg_entries(journal_, name));
}

std::vector<DpkgEntry> DpkgDatabase::all() const {
  std::vector<DpkgEntry> entries;
  for (const std::string_view paragraph : all_paragraphs(text())) entries.push_back(parse_paragraph(paragraph));
  return journal_.empty() ? entries : merge(std::move(entries), dpkg_entries(journal_, ""));
}

std::vector<std::string> DpkgDatabase::configuration_files(const std::string& wanted) const {
  refresh();
  const std::string name = wanted.substr(0, wanted.find(':'));
  std::vector<std::string_view> paragraphs = paragraphs_of(journal_, name);
  if (paragraphs.empty()) paragraphs = paragraphs_of(text(), name);
  std::vector<std::string> files;
  for (const std::string_view paragraph : paragraphs) {
    constexpr std::string_view field = "\nConffiles:\n";
    auto at = paragraph.find(field);
    // " /etc/motd 0123…", followed by " obsolete" for one that a later version no longer has.
    for (at = at == paragraph.npos ? at : at + field.size(); at < paragraph.size() && paragraph[at] == ' ';
         at = std::min(paragraph.find('\n', at), paragraph.size() - 1) + 1)
      files.emplace_back(paragraph.substr(at + 1, paragraph.find(' ', at + 1) - at - 1));
  }
  return files;
}

std::vector<DpkgEntry> DpkgDatabase::entries() const {
  refresh();
  return all();
}

const std::string& DpkgDatabase::native_architecture() const {
  refresh();
  if (native_.empty())
    for (const DpkgEntry& dpkg : find("dpkg")) native_ = dpkg.architecture;
  return native_;
}

std::optional<InstalledPackage> DpkgDatabase::installed(const std::string& wanted) const {
  const std::string& native = native_architecture();
  const auto colon = wanted.find(':');
  const std::string name = wanted.substr(0, colon);
  const std::string architecture = colon == std::string::npos ? "" : wanted.substr(colon + 1);
  const auto fits = [&](const DpkgEntry& e) {
    const std::string& asked = architecture.empty() ? native : architecture;
    return e.architecture == asked || e.architecture == "all" || architecture == "any" || asked.empty();
  };
  std::optional<InstalledPackage> found;
  for (const DpkgEntry& e : find(name))
    if (e.state != PackageState::absent && fits(e)) found = {e.name, e.architecture, e.version, e.state};
  if (found && found->state != PackageState::config_files) return found;
  for (const DpkgEntry& e : all())
    if (e.state == PackageState::installed && fits(e) &&
        std::find(e.provides.begin(), e.provides.end(), name) != e.provides.end())
      return InstalledPackage{e.name, e.architecture, e.version, e.state};
  return found;
}

bool DpkgDatabase::interrupted() const {
  refresh();
  if (!journal_.empty()) return true;
  const auto entries = all();
  return std::any_of(entries.begin(), entries.end(),
                     [](const DpkgEntry& e) { return e.state == PackageState::interrupted; });
}

}  // namespace mlops
