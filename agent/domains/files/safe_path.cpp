#include "domains/files/safe_path.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/path_parts.hpp"

namespace mlops {
namespace {

constexpr std::size_t open_limit = 200;  // folders cached, each with a descriptor

struct Loop : Error {
  using Error::Error;
};

std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || path.size() == 1) return {"/", "."};
  return {slash == 0 ? std::string_view("/") : path.substr(0, slash), path.substr(slash + 1)};
}

std::string joined(const std::string& folder, std::string_view name) {
  if (name == ".") return folder;
  return folder == "/" ? "/" + std::string(name) : folder + "/" + std::string(name);
}

std::string read_link(int fd, const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(fd, "", target.data(), target.size());
  if (length < 0) throw system_error("cannot read the link " + path, errno);
  target.resize(static_cast<std::size_t>(length));
  return target;
}

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

// What remains after a link: the folders to walk, then the last name in what they lead to.
struct Onward {
  std::string folders, name;
};
Onward onward(std::string target) {
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  const std::size_t slash = target.rfind('/');
  const std::string last = target.substr(slash == std::string::npos ? 0 : slash + 1);
  if (last.empty() || last == "." || last == "..") return {std::move(target), "."};
  if (slash == std::string::npos) return {"", last};
  return {target.substr(0, slash == 0 ? 1 : slash), last};
}

}  // namespace

struct Walker::State {
  struct Folder {
    std::shared_ptr<Handle> handle;
    std::string canonical;
    struct stat status {};
  };
  bool strict = false;
  uid_t person = 0;
  uid_t acting = 0;
  std::unordered_map<std::string, Folder, TextHash, std::equal_to<>> folders;  // by path as given

  // The origin of the next step: the folder itself, or the link that led there.
  struct From {
    uid_t owner;
    mode_t mode;
    uid_t folder_owner;
    std::string what;
  };

  void check(const From& from, const struct stat& to, const std::string& path) const {
    const bool everyone = (from.mode & S_IWOTH) != 0;
    if (strict && from.owner != 0 && from.owner != to.st_uid) refuse(path, from.what, "its owner differs");
    if (strict && everyone && to.st_uid != 0 && to.st_uid != person)
      refuse(path, from.what, "everyone may write there, and another user owns it");
    if (S_ISLNK(to.st_mode) && everyone && (from.mode & S_ISVTX) && to.st_uid != acting &&
        to.st_uid != from.folder_owner)
      refuse(path, from.what, "everyone may write there, and another user made this link");
  }
  [[noreturn]] static void refuse(const std::string& path, const std::string& from, const char* why) {
    throw Error(fmt::format("unsafe path: the step from {} to {} is not taken: {}", from, path, why),
                ErrorKind::unsafe_path);
  }

  Folder root() const {
    Folder folder;
    const int fd = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) throw system_error("cannot open /", errno);
    folder.handle = std::make_shared<Handle>(fd);
    folder.canonical = "/";
    ::fstat(fd, &folder.status);
    return folder;
  }
  static From from(const Folder& folder) {
    return {folder.status.st_uid, folder.status.st_mode, folder.status.st_uid, folder.canonical};
  }
  // A link's target is reached from the link; if it is relative, also from the link's own folder.
  static From from_link(const struct stat& link, const Folder& folder, const std::string& target,
                        std::string path) {
    if (target.starts_with('/')) return {link.st_uid, 0, link.st_uid, std::move(path)};
    return {link.st_uid, folder.status.st_mode, folder.status.st_uid, std::move(path)};
  }

  // The folder that name in parent is or leads to.
  std::optional<Folder> step(const Folder& parent, const From& origin, const std::string& name, int& links) {
    const std::string path =
        name == ".." ? std::string(split_last(parent.canonical).first) : joined(parent.canonical, name);
    const int fd = ::openat(parent.handle->get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return absent("cannot open " + path);
    Folder found{std::make_shared<Handle>(fd), path, {}};
    if (::fstat(fd, &found.status) != 0) throw system_error("cannot look at " + path, errno);
    check(origin, found.status, path);
    if (S_ISDIR(found.status.st_mode)) return found;
    if (!S_ISLNK(found.status.st_mode)) return std::nullopt;
    if (++links > most_links) throw Loop("too many links on the way to " + path);
    const std::string target = read_link(fd, path);
    return walk(parent, target, from_link(found.status, parent, target, path), links);
  }
  static std::nullopt_t absent(const std::string& doing) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) return std::nullopt;
    throw system_error(doing, errno);
  }

  // Follows all components of path, from start if it is relative. origin: of the first step.
  std::optional<Folder> walk(const Folder& start, std::string_view path, From origin, int& links) {
    Folder at = start;
    bool first = true;
    if (path.starts_with('/')) {
      at = root();
      check(origin, at.status, "/");
      first = false;
    }
    while (!path.empty()) {
      const std::size_t slash = path.find('/');
      const std::string name(path.substr(0, slash));
      path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
      if (name.empty() || name == ".") continue;
      auto next = step(at, first ? origin : from(at), name, links);
      if (!next) return std::nullopt;
      at = std::move(*next);
      first = false;
    }
    return at;
  }

  // The folder at path, cached. The pointer is valid until the next call of a public member.
  const Folder* folder(std::string_view path) {
    if (const auto known = folders.find(path); known != folders.end()) return &known->second;
    if (path == "/") return &folders.emplace("/", root()).first->second;
    const auto [above, name] = split_last(path);
    const Folder* parent = folder(above);
    if (!parent) return nullptr;
    int links = 0;
    auto found = step(*parent, from(*parent), std::string(name), links);
    if (!found) return nullptr;
    if (folders.size() >= open_limit) folders.clear();
    return &folders.emplace(std::string(path), std::move(*found)).first->second;
  }

  static Place lend(const Folder& folder, std::string_view name) {
    return {folder.handle->get(), folder.status.st_uid, std::string(name), folder.handle};
  }

  // The last component of a path, a final link followed: its folder, and whether it exists.
  struct Target {
    Folder folder;
    std::string name;
    bool exists = false;
  };
  std::optional<Target> target(const std::string& path) {
    const auto [above, last] = split_last(path);
    const Folder* parent = folder(above);
    if (!parent) return std::nullopt;
    Folder at = *parent;
    std::string name(last);
    From origin = from(at);
    for (int links = 0;;) {
      const std::string full = joined(at.canonical, name);
      const Handle entry(::openat(at.handle->get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      if (!entry) {
        if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
          throw system_error("cannot open " + full, errno);
        return Target{std::move(at), std::move(name), false};
      }
      struct stat status {};
      if (::fstat(entry.get(), &status) != 0) throw system_error("cannot look at " + full, errno);
      // The step to a final regular file is not checked; steps to a link, and to its target, are.
      if (S_ISLNK(status.st_mode) || links > 0) check(origin, status, full);
      if (!S_ISLNK(status.st_mode)) return Target{std::move(at), std::move(name), true};
      if (++links > most_links) throw Loop("too many links on the way to " + path);
      const std::string to = read_link(entry.get(), full);
      From link = from_link(status, at, to, full);
      auto [folders_on, next_name] = onward(to);
      if (folders_on.empty()) {
        origin = std::move(link);
      } else {
        auto next = walk(at, folders_on, std::move(link), links);
        if (!next) return std::nullopt;
        at = std::move(*next);
        origin = from(at);
      }
      name = std::move(next_name);
    }
  }
};

Walker::Walker(bool strict, uid_t person) : state_(std::make_unique<State>()) {
  state_->strict = strict;
  state_->person = person;
  state_->acting = strict ? 0 : ::geteuid();
}
Walker::~Walker() = default;

std::optional<Walker::Place> Walker::place(const std::string& path) {
  const auto [above, name] = split_last(path);
  const State::Folder* folder = state_->folder(above);
  if (!folder) return std::nullopt;
  return state_->lend(*folder, name);
}

std::optional<Walker::Place> Walker::target_place(const std::string& path) {
  const auto found = state_->target(path);
  if (!found) return std::nullopt;
  return state_->lend(found->folder, found->name);
}

std::optional<std::string> Walker::canonical(const std::string& path) try {
  const auto found = state_->target(path);
  if (!found || !found->exists) return std::nullopt;
  return joined(found->folder.canonical, found->name);
} catch (const Loop&) {
  return std::nullopt;
}

std::optional<std::string> Walker::canonical_folder(const std::string& path) try {
  const auto [above, name] = split_last(path);
  const State::Folder* folder = state_->folder(above);
  if (!folder) return std::nullopt;
  return folder->canonical;
} catch (const Loop&) {
  return std::nullopt;
}

void Walker::forget() { state_->folders.clear(); }

std::string given_away(const std::string& path, const std::string& owner) {
  return fmt::format(
      "unsafe path: {} belongs to {}, neither to its folder's owner nor to who is to have it: another user may "
      "have moved it there",
      path, owner);
}

}  // namespace mlops
