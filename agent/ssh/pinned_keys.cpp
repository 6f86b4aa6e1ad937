#include "ssh/pinned_keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "base/descriptor_io.hpp"
#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/trust.hpp"
#include "ssh/host_keys.hpp"

namespace mlops {
namespace {

constexpr std::size_t largest = 16u << 20;  // bytes

std::string own_content(const std::string& path) {
  const JudgedFile file = open_judged(path, ::geteuid());
  if (!file.wrong.empty())
    throw Error(fmt::format("{} is not used: {}, so somebody else could have written it", path, file.wrong),
                ErrorKind::unsafe_path);
  if (!file.entry && (file.error == ENOENT || file.error == ENOTDIR)) return "";
  if (!file.entry) throw system_error("reading " + path, file.error);
  const Handle opened = open_for_reading(file);
  struct ::stat status {};
  if (!opened || ::fstat(opened.get(), &status) != 0) throw system_error("reading " + path, errno);
  if (!S_ISREG(status.st_mode)) throw Error(path + " is not a regular file", ErrorKind::unsafe_path);
  std::string text = read_all(opened.get(), largest, "reading", path);
  if (text.size() > largest) throw Error(path + " is too large for a list of keys");
  return text;
}

void replace(const std::string& path, const std::string& text) {
  std::string temporary = path + ".XXXXXX";
  const Handle file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) throw system_error("writing " + path, errno);
  try {
    write_all(file.get(), text, "writing", path);
    if (::fsync(file.get()) != 0) throw system_error("writing " + path, errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) throw system_error("writing " + path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const Handle folder(::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) throw system_error("writing " + path, errno);
}

// Follows a link, as of dot files that are kept elsewhere.
std::string real_path(const std::string& path) {
  char* found = ::realpath(path.c_str(), nullptr);
  if (!found) return path;
  std::string real = found;
  std::free(found);
  return real;
}

}  // namespace

Handle open_locked(const std::string& path, int flags) {
  for (;;) {
    Handle file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600));
    if (!file) throw system_error("writing " + path, errno);
    while (::flock(file.get(), LOCK_EX) != 0)
      if (errno != EINTR) throw system_error("locking " + path, errno);
    struct ::stat ours {
    }, there{};
    if (::fstat(file.get(), &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
        ours.st_dev == there.st_dev)
      return file;
  }
}

std::vector<PinnedKey> pinned_keys(const std::string& text, const std::string& alias) {
  std::vector<PinnedKey> keys;
  std::string line;
  for (std::istringstream lines(text); std::getline(lines, line);) {
    const auto entry = known_hosts_entry(line, alias);
    if (!entry || !entry->alone || entry->revoked || entry->authority) continue;
    std::istringstream words(line);
    std::string name, type, base64, comment;
    words >> name >> type >> base64 >> comment;
    keys.push_back({entry->key.type + " " + entry->key.base64, comment == handed_key_mark});
  }
  return keys;
}

std::vector<PinnedKey> read_pinned_keys(const std::string& path, const std::string& alias) {
  return pinned_keys(own_content(path), alias);
}

void write_pinned_keys(const std::string& path, const std::string& alias, const std::vector<PinnedKey>& keys) {
  const std::string folder = path.substr(0, path.rfind('/'));
  if (!folder.empty() && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw system_error("making " + folder, errno);
  const std::string real = real_path(path);
  const Handle lock = open_locked(real, O_NOFOLLOW);
  std::string text, line;
  for (std::istringstream lines(own_content(real)); std::getline(lines, line);)
    if (pinned_keys(line, alias).empty()) text += line + "\n";
  for (const PinnedKey& k : keys)
    text += fmt::format("{} {}{}\n", alias, k.key, k.handed ? std::string(" ") + handed_key_mark : "");
  replace(real, text);
}

}  // namespace mlops
