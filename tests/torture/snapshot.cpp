#include "snapshot.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

namespace torture {
namespace {

char letter(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return 'f';
    case S_IFDIR:
      return 'd';
    case S_IFLNK:
      return 'l';
    case S_IFIFO:
      return 'p';
    case S_IFSOCK:
      return 's';
    case S_IFCHR:
      return 'c';
    default:
      return 'b';
  }
}

std::map<std::string, std::string> attributes_of(const std::string& path) {
  std::map<std::string, std::string> all;
  std::string names(65536, '\0');
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  for (std::size_t at = 0; size > 0 && at < static_cast<std::size_t>(size);) {
    const std::string name = names.c_str() + at;
    at += name.size() + 1;
    std::string value(65536, '\0');
    const ssize_t n = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (n >= 0 && !name.starts_with("trusted.overlay."))
      all[name] = value.substr(0, static_cast<std::size_t>(n));
  }
  return all;
}

bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }

bool is_opaque(const std::string& path) {
  char value = 0;
  return ::lgetxattr(path.c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr)
    if (std::string name = entry->d_name; name != "." && name != "..") names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  return names;
}

struct Walk {
  const std::string &upper, &base;
  const Ignored& ignored;
  Snapshot& into;

  // path is "" or ends with a slash.
  void folder(const std::string& path) {
    for (const std::string& name : names_in(upper + "/" + path)) {
      const std::string at = path + name;
      if (ignored.holds(at)) continue;
      struct stat status {};
      if (::lstat((upper + "/" + at).c_str(), &status) != 0) continue;
      into[at] = is_whiteout(status) ? Entry{} : entry_at(upper + "/" + at);
      if (!S_ISDIR(status.st_mode)) continue;
      if (is_opaque(upper + "/" + at)) gone_below(at + "/");
      folder(at + "/");
    }
  }

  void gone_below(const std::string& path) {
    for (const std::string& name : names_in(base + "/" + path)) {
      if (ignored.holds(path + name)) continue;
      into[path + name] = {};
      struct stat status {};
      if (::lstat((base + "/" + path + name).c_str(), &status) == 0 && S_ISDIR(status.st_mode))
        gone_below(path + name + "/");
    }
  }
};

// apt notes packages in the order of its steps.
void sort_paragraphs(std::string& text) {
  std::multiset<std::string> paragraphs;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find("\n\n", at), text.size());
    paragraphs.insert(text.substr(at, end - at));
    at = end + 2;
  }
  text.clear();
  for (const std::string& paragraph : paragraphs) text += paragraph + "\n\n";
}

// Accounts stand in the order in which they were made, and useradd takes the next free range of subordinate
// ids: which that is depends on the order, too.
bool is_account_file(const std::string& path) {
  static const std::set<std::string> files{"etc/passwd",  "etc/group",  "etc/shadow",
                                           "etc/gshadow", "etc/subuid", "etc/subgid"};
  return files.contains(path);
}

void sort_accounts(std::string& text, bool ranges) {
  std::multiset<std::string> lines;
  std::istringstream from(text);
  for (std::string line; std::getline(from, line);) {
    const auto last = line.rfind(':') + 1;
    std::istringstream words(line.substr(last));
    std::set<std::string> members;
    for (std::string word; std::getline(words, word, ',');) members.insert(word);
    line.resize(ranges ? std::min(line.find(':'), line.size()) : last);
    for (const std::string& member : members) line += (ranges ? ":" : "") + member + (ranges ? "" : ",");
    lines.insert(line);
  }
  text.clear();
  for (const std::string& line : lines) text += line + "\n";
}

std::string excerpt(const std::string& before, const std::string& after) {
  const auto apart = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  auto from = static_cast<std::size_t>(apart.first - before.begin());
  const auto line = from == 0 ? std::string::npos : before.rfind('\n', from - 1);
  from = line == std::string::npos ? 0 : line + 1;
  const auto part = [&](const std::string& text) {
    return text.substr(from, std::min<std::size_t>(80, text.find('\n', from) - from));
  };
  return fmt::format("at byte {}: {:?} -> {:?}", from, part(before), part(after));
}

}  // namespace

std::string text_of(const Entry& e) {
  if (e.kind == 0) return "nothing";
  return fmt::format("{} {:04o} {}:{}, {} bytes", e.kind, e.mode, e.uid, e.gid, e.content.size());
}

std::string difference(const Entry& before, const Entry& after) {
  if (before.kind != after.kind) return text_of(before) + " -> " + text_of(after);
  if (before.mode != after.mode) return fmt::format("mode {:04o} -> {:04o}", before.mode, after.mode);
  if (before.uid != after.uid || before.gid != after.gid)
    return fmt::format("owner {}:{} -> {}:{}", before.uid, before.gid, after.uid, after.gid);
  if (before.content != after.content)
    return fmt::format("content of {} -> {} bytes, {}", before.content.size(), after.content.size(),
                       excerpt(before.content, after.content));
  if (before.attributes != after.attributes) return "extended attributes";
  return before.device != after.device ? "device" : "";
}

Entry entry_at(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  Entry e{letter(status.st_mode), status.st_mode & 07777, status.st_uid, status.st_gid, 0, "",
          attributes_of(path)};
  if (S_ISREG(status.st_mode)) {
    std::ifstream file(path, std::ios::binary);
    e.content.assign(std::istreambuf_iterator<char>(file), {});
  } else if (S_ISLNK(status.st_mode)) {
    e.content.resize(4096);
    e.content.resize(
        static_cast<std::size_t>(std::max<ssize_t>(0, ::readlink(path.c_str(), e.content.data(), 4096))));
  } else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
    e.device = status.st_rdev;
  }
  return e;
}

// What the run leaves for itself, logs, and what programs keep of the state before their last change.
Ignored::Ignored()
    : patterns_{
          "var/log", "var/cache/mlops-agent", "root/.cache/mlops-agent", "home/*/.cache/mlops-agent",
          "var/lib/mlops-agent", "root/.local/state/mlops-agent", "home/*/.local/state/mlops-agent",
          // shadow's; those with a number are what an unlink that failed has left
          "etc/passwd.[0-9]*", "etc/group.[0-9]*", "etc/shadow.[0-9]*", "etc/gshadow.[0-9]*",
          "etc/subuid.[0-9]*", "etc/subgid.[0-9]*", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-",
          "etc/subuid-", "etc/subgid-", "etc/.pwd.lock",
          // The agent's: public lines of an account change that ended; the next action as root removes it.
          "etc/.mlops-agent-accounts",
          // dpkg's and apt's
          "var/lib/dpkg/status-old", "var/lib/dpkg/lock", "var/lib/dpkg/lock-frontend",
          "var/lib/dpkg/triggers/Lock", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old",
          "var/cache/apt", "var/lib/apt/lists", "var/lib/apt/periodic", "var/lib/apt/extended_states.*",
          "var/cache/debconf/*-old", "var/cache/ldconfig"} {}

bool Ignored::holds(const std::string& path) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_LEADING_DIR) == 0;
  });
}

Snapshot take_snapshot(const std::string& upper, const std::string& base, const Ignored& ignored) {
  Snapshot all;
  Walk{upper, base, ignored, all}.folder("");
  return all;
}

std::vector<std::string> differences(const Snapshot& wanted, const Snapshot& found, const std::string& base,
                                     const std::map<std::string, bool>& noise) {
  std::set<std::string> paths;
  for (const auto& [path, entry] : wanted) paths.insert(path);
  for (const auto& [path, entry] : found) paths.insert(path);
  std::vector<std::string> lines;
  for (const std::string& path : paths) {
    const auto of = [&](const Snapshot& world) {
      const auto at = world.find(path);
      return at == world.end() ? entry_at(base + "/" + path) : at->second;
    };
    Entry before = of(wanted), after = of(found);
    if (path == "var/lib/apt/extended_states")
      for (Entry* entry : {&before, &after}) sort_paragraphs(entry->content);
    if (is_account_file(path))
      for (Entry* entry : {&before, &after}) sort_accounts(entry->content, path.starts_with("etc/sub"));
    if (noise.contains(path)) before.content = after.content = "";
    if (before != after) lines.push_back(path + ": " + difference(before, after));
  }
  return lines;
}

std::map<std::string, bool> noise_of(const Snapshot& one, const Snapshot& other) {
  std::map<std::string, bool> noise;
  for (const auto& [path, entry] : one)
    if (const auto found = other.find(path); found != other.end() && found->second.kind == entry.kind)
      if (found->second.content != entry.content) noise[path] = true;
  return noise;
}

}  // namespace torture
