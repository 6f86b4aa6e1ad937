#include "domains/files/overlay.hpp"

#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/path_parts.hpp"
#include "domains/files/attributes.hpp"
#include "domains/files/local.hpp"
#include "domains/files/paths.hpp"
#include "domains/files/safe_path.hpp"

namespace mlops {
namespace {

constexpr std::uint32_t everyone_writes = 0002;

[[noreturn]] void not_known(const std::string& label) { throw Unknown{{label}, ""}; }

}  // namespace

std::optional<std::string> OverlayFiles::walk(const Base& base, const std::string& path, Last last) const {
  std::string at = "/", rest = path;
  From from;
  for (int links = 0; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    const std::string name = rest.substr(0, slash);
    rest = slash == std::string::npos ? "" : rest.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    if (name == ".." && is_folder(base, at)) {
      at = folder_of(at);
      from = {};
      if (const auto above = at == "/" || not_foreseen(at) ? std::nullopt : look(base, at, 0))
        from = {above->status.owner, at, above->status.mode};
      continue;
    }
    std::string next = join_path(at, name);
    const bool is_last = rest.find_first_not_of('/') == std::string::npos;
    if (is_last && last == Last::itself) return next;
    const Entry* entry = find(next);
    std::optional<FileView> found;
    if (!entry || entry->kind == Entry::Kind::made) try {
        found = look(base, next, 0);
      } catch (const Unknown&) {
        // Below what a program will create, paths are taken literally; reading there throws.
      }
    const bool is_link = found && found->status.type == FileType::symlink;
    // The step to a final regular file is not checked; steps to a link, and to its target, are.
    if (found && (is_link || links > 0 || !is_last || last == Last::entered))
      check(from, found->status, next, base);
    if (!is_link) {
      from = found ? From{found->status.owner, next, found->status.mode} : From{};
      at = std::move(next);
      continue;
    }
    if (++links > most_links) return std::nullopt;
    // A real link is followed here too, for the errors that the real machine reports.
    if (const auto real = real_path(next); real && !entry) static_cast<void>(base.files.resolve(*real));
    const bool absolute = found->target.starts_with('/');
    From link{found->status.owner, next, absolute ? 0 : from.mode};
    if (absolute) {
      FileStatus root;
      root.owner = "root";
      check(link, root, "/", base);
      at = "/";
    }
    from = absolute ? From{} : std::move(link);
    rest = found->target + "/" + rest;
  }
  return at;
}

void OverlayFiles::check(const From& from, const FileStatus& to, const std::string& path, const Base& base) {
  if (!base.strict) return;
  const auto refuse = [&](const char* why) {
    throw Error("unsafe path: the step from " + from.what + " to " + path + " is not taken: " + why,
                ErrorKind::unsafe_path);
  };
  if (from.owner != "root" && from.owner != to.owner) refuse("its owner differs");
  if ((from.mode & everyone_writes) && to.owner != "root" && to.owner != base.person)
    refuse("everyone may write there, and another user owns it");
}

bool OverlayFiles::is_folder(const Base& base, const std::string& key) const {
  if (key == "/" || not_foreseen(key)) return true;
  const auto found = look(base, key, 0);
  return found && found->status.type == FileType::directory;
}

std::string OverlayFiles::key(const Base& base, const std::string& path) const {
  if (path == "/") return path;
  const std::string folder(folder_of(path));
  auto& folders = base.strict ? strict_folders_ : folders_;
  auto known = folders.find(folder);
  if (known == folders.end()) {
    auto real = walk(base, folder, Last::entered);
    if (!real) throw Error("too many links on the way to " + folder);
    known = folders.emplace(folder, std::move(*real)).first;
  }
  return join_path(known->second, name_of(path));
}

std::string OverlayFiles::followed(const Base& base, const std::string& path) const {
  const std::string k = key(base, path);  // the way to it is walked: only a final link leads further
  if (!not_foreseen(k)) {
    const auto found = look(base, k, 0);
    if (!found || found->status.type != FileType::symlink) return k;
  }
  auto real = walk(base, k, Last::followed);
  if (!real) throw Error("too many links on the way to " + path);
  return std::move(*real);
}

const OverlayFiles::Entry* OverlayFiles::find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

std::optional<std::string> OverlayFiles::real_path(const std::string& key) const {
  for (std::string_view at = key; at != "/"; at = folder_of(at)) {
    const Entry* entry = find(std::string(at));
    if (!entry) continue;
    if (entry->kind == Entry::Kind::opaque) not_known(entry->label);
    if (entry->shows.empty()) return std::nullopt;
    return entry->shows + key.substr(at.size());
  }
  return key;
}

std::optional<FileView> OverlayFiles::look(const Base& base, const std::string& key,
                                           std::uint64_t limit) const {
  const Entry* entry = find(key);
  if (!entry) {
    const auto real = real_path(key);
    return real ? base.files.view(*real, limit) : std::nullopt;
  }
  if (entry->kind == Entry::Kind::absent) return std::nullopt;
  if (entry->kind == Entry::Kind::opaque) not_known(entry->label);
  FileView v = entry->view;
  if (v.status.type != FileType::regular || limit == 0) {
    v.content.reset();
  } else if (!entry->shows.empty()) {
    if (auto real = base.files.view(entry->shows, limit)) v.content = std::move(real->content);
  } else if (!v.content) {
    not_known(entry->label);
  } else if (v.content->size() > limit) {
    v.content.reset();
  }
  return v;
}

std::optional<FileView> OverlayFiles::view(const Base& base, const std::string& path,
                                           std::uint64_t limit) const {
  if (entries_.empty()) return base.files.view(path, limit);
  return look(base, key(base, path), limit);
}

std::optional<std::vector<std::string>> OverlayFiles::list(const Base& base, const std::string& path) const {
  if (entries_.empty()) return base.files.list(path);
  const std::string folder = followed(base, path);
  const auto found = look(base, folder, 0);
  if (!found || found->status.type != FileType::directory) return std::nullopt;
  std::vector<std::string> names;
  if (const auto real = real_path(folder))
    if (auto below = base.files.list(*real)) names = std::move(*below);
  const std::string prefix = folder == "/" ? folder : folder + "/";
  for (auto i = entries_.lower_bound(prefix); i != entries_.end() && i->first.starts_with(prefix); ++i) {
    if (folder_of(i->first) != folder || i->first == "/") continue;
    const std::string name(name_of(i->first));
    std::erase(names, name);
    if (i->second.kind != Entry::Kind::absent) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> OverlayFiles::resolve(const Base& base, const std::string& path) const {
  if (entries_.empty()) return base.files.resolve(path);
  auto real = walk(base, path, Last::followed);
  if (!real) return std::nullopt;
  const Entry* entry = find(*real);
  const bool exists = entry ? entry->kind != Entry::Kind::absent : look(base, *real, 0).has_value();
  return exists ? real : std::nullopt;
}

std::optional<std::string> OverlayFiles::sha256(const Base& base, const std::string& path) const {
  if (entries_.empty()) return base.files.sha256(path);
  const std::string real = followed(base, path);
  const Entry* entry = find(real);
  if (!entry) {
    const auto below = real_path(real);
    return below ? base.files.sha256(*below) : std::nullopt;
  }
  if (entry->kind == Entry::Kind::absent) return std::nullopt;
  if (entry->digest) return entry->digest;
  if (entry->kind == Entry::Kind::opaque) not_known(entry->label);
  if (entry->view.status.type != FileType::regular) return std::nullopt;
  if (!entry->shows.empty()) return base.files.sha256(entry->shows);
  if (!entry->view.content) not_known(entry->label);
  return sha256_hex(*entry->view.content);
}

Grants OverlayFiles::grants_at(const Base& base, const std::string& key) const {
  const Entry* entry = find(key);
  if (entry && entry->grants) return *entry->grants;
  const auto real = entry && !entry->shows.empty() ? entry->shows : real_path(key);
  return real ? base.files.grants(*real).value_or(Grants()) : Grants();
}

std::optional<Grants> OverlayFiles::grants(const Base& base, const std::string& path) const {
  if (entries_.empty()) return base.files.grants(path);
  const std::string k = key(base, path);
  if (!look(base, k, 0)) return std::nullopt;
  return grants_at(base, k);
}

bool OverlayFiles::not_foreseen(const std::string& key) const {
  for (std::string_view at = key; at != "/"; at = folder_of(at))
    if (const Entry* entry = find(std::string(at))) return entry->kind == Entry::Kind::opaque;
  return false;
}

bool OverlayFiles::touched(const Base& base, const std::string& path) const {
  if (entries_.empty()) return false;
  const std::string k = key(base, path);
  if (find(k)) return true;
  return not_foreseen(k) || real_path(k) != std::optional(k);
}

}  // namespace mlops
