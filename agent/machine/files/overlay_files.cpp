#include "machine/files/overlay_files.hpp"

#include <algorithm>

#include "machine/files/digest.hpp"
#include "machine/files/paths.hpp"
#include "model/attributes.hpp"
#include "model/error.hpp"

namespace mlops {
namespace {

constexpr int link_limit = 40;  // as the kernel's, path_resolution(7)
constexpr std::uint32_t set_group_id = 02000;

[[noreturn]] void not_known(const std::string& label) { throw Unknown{{label}, ""}; }

}  // namespace

// ---- reading
// ----------------------------------------------------------------------------------------------------

std::optional<std::string> OverlayFiles::walk(const FileReader& base, const std::string& path,
                                              Last last) const {
  std::string at = "/", rest = path;
  for (int links = 0; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    const std::string name = rest.substr(0, slash);
    rest = slash == std::string::npos ? "" : rest.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    if (name == ".." && is_folder(base, at)) {
      at = folder_of(at);
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
        // Below what a program will have made, paths are taken as they stand; reading there throws.
      }
    if (!found || found->status.type != FileType::symlink) {
      at = std::move(next);
      continue;
    }
    if (++links > link_limit) return std::nullopt;
    // A real link is followed here too, for the errors that the real machine gives.
    if (const auto real = real_path(next); real && !entry) static_cast<void>(base.resolve(*real));
    if (found->target.starts_with('/')) at = "/";
    rest = found->target + "/" + rest;
  }
  return at;
}

bool OverlayFiles::is_folder(const FileReader& base, const std::string& key) const {
  if (key == "/" || not_foreseen(key)) return true;
  const auto found = look(base, key, 0);
  return found && found->status.type == FileType::directory;
}

std::string OverlayFiles::key(const FileReader& base, const std::string& path) const {
  if (path == "/") return path;
  const std::string folder(folder_of(path));
  auto known = folders_.find(folder);
  if (known == folders_.end()) {
    auto real = walk(base, folder, Last::followed);
    if (!real) throw Error("too many links on the way to " + folder);
    known = folders_.emplace(folder, std::move(*real)).first;
  }
  return join_path(known->second, name_of(path));
}

std::string OverlayFiles::followed(const FileReader& base, const std::string& path) const {
  auto real = walk(base, key(base, path), Last::followed);
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

std::optional<FileView> OverlayFiles::look(const FileReader& base, const std::string& key,
                                           std::uint64_t limit) const {
  const Entry* entry = find(key);
  if (!entry) {
    const auto real = real_path(key);
    return real ? base.view(*real, limit) : std::nullopt;
  }
  if (entry->kind == Entry::Kind::absent) return std::nullopt;
  if (entry->kind == Entry::Kind::opaque) not_known(entry->label);
  FileView v = entry->view;
  if (v.status.type != FileType::regular || limit == 0) {
    v.content.reset();
  } else if (!entry->shows.empty()) {
    if (auto real = base.view(entry->shows, limit)) v.content = std::move(real->content);
  } else if (!v.content) {
    not_known(entry->label);
  } else if (v.content->size() > limit) {
    v.content.reset();
  }
  return v;
}

std::optional<FileView> OverlayFiles::view(const FileReader& base, const std::string& path,
                                           std::uint64_t limit) const {
  if (entries_.empty()) return base.view(path, limit);
  return look(base, key(base, path), limit);
}

std::optional<std::vector<std::string>> OverlayFiles::list(const FileReader& base,
                                                           const std::string& path) const {
  if (entries_.empty()) return base.list(path);
  const std::string folder = followed(base, path);
  const auto found = look(base, folder, 0);
  if (!found || found->status.type != FileType::directory) return std::nullopt;
  std::vector<std::string> names;
  if (const auto real = real_path(folder))
    if (auto below = base.list(*real)) names = std::move(*below);
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

std::optional<std::string> OverlayFiles::resolve(const FileReader& base, const std::string& path) const {
  if (entries_.empty()) return base.resolve(path);
  auto real = walk(base, path, Last::followed);
  if (!real) return std::nullopt;
  const Entry* entry = find(*real);
  const bool exists = entry ? entry->kind != Entry::Kind::absent : look(base, *real, 0).has_value();
  return exists ? real : std::nullopt;
}

std::optional<std::string> OverlayFiles::sha256(const FileReader& base, const std::string& path) const {
  if (entries_.empty()) return base.sha256(path);
  const std::string real = followed(base, path);
  const Entry* entry = find(real);
  if (!entry) {
    const auto below = real_path(real);
    return below ? base.sha256(*below) : std::nullopt;
  }
  if (entry->kind == Entry::Kind::absent) return std::nullopt;
  if (entry->digest) return entry->digest;
  if (entry->kind == Entry::Kind::opaque) not_known(entry->label);
  if (entry->view.status.type != FileType::regular) return std::nullopt;
  if (!entry->shows.empty()) return base.sha256(entry->shows);
  if (!entry->view.content) not_known(entry->label);
  return sha256_hex(*entry->view.content);
}

Grants OverlayFiles::grants_at(const FileReader& base, const std::string& key) const {
  const Entry* entry = find(key);
  if (entry && entry->grants) return *entry->grants;
  const auto real = entry && !entry->shows.empty() ? entry->shows : real_path(key);
  return real ? base.grants(*real).value_or(Grants()) : Grants();
}

std::optional<Grants> OverlayFiles::grants(const FileReader& base, const std::string& path) const {
  if (entries_.empty()) return base.grants(path);
  const std::string k = key(base, path);
  if (!look(base, k, 0)) return std::nullopt;
  return grants_at(base, k);
}

bool OverlayFiles::not_foreseen(const std::string& key) const {
  for (std::string_view at = key; at != "/"; at = folder_of(at))
    if (const Entry* entry = find(std::string(at))) return entry->kind == Entry::Kind::opaque;
  return false;
}

bool OverlayFiles::touched(const FileReader& base, const std::string& path) const {
  if (entries_.empty()) return false;
  const std::string k = key(base, path);
  if (find(k)) return true;
  return not_foreseen(k) || real_path(k) != std::optional(k);
}

// ---- performing in thought
// --------------------------------------------------------------------------------------

void OverlayFiles::need_folder(const std::string& k, const FileReader& base, const std::string& path) const {
  const std::string folder(folder_of(k));
  if (!is_folder(base, folder)) throw Error("the folder of " + path + " does not exist");
}

OverlayFiles::Entry OverlayFiles::fresh(const std::string& k, FileType type, const FileReader& base,
                                        const Maker& maker) const {
  Entry entry{Entry::Kind::made, {}, {}, maker.label, "", Grants()};
  FileStatus& s = entry.view.status;
  s.type = type;
  s.mode = type == FileType::symlink ? 0777 : type == FileType::directory ? 0755 : 0644;
  s.owner = maker.user;
  s.group = maker.group;
  const std::string folder(folder_of(k));
  if (not_foreseen(folder)) return entry;
  if (const auto above = look(base, folder, 0); above && (above->status.mode & set_group_id)) {
    s.group = above->status.group;
    if (type == FileType::directory) s.mode |= set_group_id;
  }
  return entry;
}

// Takes from the entry what it does not keep with another owner, group or content.
void OverlayFiles::hand_over(Entry& entry, const std::string& owner, const std::string& group, bool content) {
  FileStatus& s = entry.view.status;
  const bool folder = s.type == FileType::directory;
  const Handover over{!owner.empty() && owner != s.owner, !group.empty() && group != s.group, content};
  s.mode = mode_after(s.mode, folder, over, entry.grants->acl_group);
  entry.grants = grants_after(*entry.grants, folder, over);
}

void OverlayFiles::put(const std::string& k, Entry entry) {
  entries_[k] = std::move(entry);
  folders_.clear();
}

void OverlayFiles::remove_below(const std::string& k) {
  for (auto i = entries_.lower_bound(k + "/"); i != entries_.end() && i->first.starts_with(k + "/");)
    i = entries_.erase(i);
}

void OverlayFiles::apply(const WriteFile& action, const FileReader& base, const Maker& maker) {
  const std::string k = action.replace_link ? key(base, action.path) : followed(base, action.path);
  need_folder(k, base, action.path);
  const auto old = not_foreseen(k) ? std::nullopt : look(base, k, 0);
  const bool replaces = old && old->status.type == FileType::regular;
  const bool replaces_link = old && old->status.type == FileType::symlink && action.replace_link;
  if (old && !replaces && !replaces_link)
    throw Error(action.path + " is " + to_text(old->status.type) + "; it is not replaced");
  Entry entry = fresh(k, FileType::regular, base, maker);
  FileStatus& s = entry.view.status;
  if (action.sensitive) s.mode = 0600;
  if (replaces) {
    s.mode = old->status.mode;
    s.owner = old->status.owner;
    s.group = old->status.group;
    entry.grants = grants_at(base, k);
    hand_over(entry, action.owner, action.group, true);
  }
  if (action.mode) s.mode = *action.mode;
  if (!action.owner.empty()) s.owner = action.owner;
  if (!action.group.empty()) s.group = action.group;
  s.size = action.content.size();
  entry.view.content = action.content;
  if (replaces_link) return put(k, std::move(entry));
  entries_[k] = std::move(entry);
}

void OverlayFiles::apply(const CreateDirectory& action, const FileReader& base, const Maker& maker) {
  const std::string k = key(base, action.path);
  need_folder(k, base, action.path);
  if (look(base, k, 0)) throw Error("cannot make the folder " + action.path + ": File exists");
  Entry entry = fresh(k, FileType::directory, base, maker);
  FileStatus& s = entry.view.status;
  if (action.mode) s.mode = *action.mode;
  if (!action.owner.empty()) s.owner = action.owner;
  if (!action.group.empty()) s.group = action.group;
  remove_below(k);
  put(k, std::move(entry));
}

void OverlayFiles::apply(const CreateLink& action, const FileReader& base, const Maker& maker) {
  const std::string k = key(base, action.path);
  need_folder(k, base, action.path);
  if (look(base, k, 0)) throw Error("cannot make the link " + action.path + ": File exists");
  Entry entry = fresh(k, FileType::symlink, base, maker);
  if (!action.owner.empty()) entry.view.status.owner = action.owner;
  if (!action.group.empty()) entry.view.status.group = action.group;
  entry.view.target = action.target;
  put(k, std::move(entry));
}

void OverlayFiles::apply(const SetAttributes& action, const FileReader& base, const Maker& maker) {
  const std::string k = followed(base, action.path);
  need_folder(k, base, action.path);
  Entry entry;
  if (const Entry* known = find(k); known && known->kind != Entry::Kind::absent) {
    entry = *known;
  } else {
    auto now = look(base, k, 0);
    if (!now) throw Error("cannot open " + action.path + ": No such file or directory");
    entry = {Entry::Kind::made, std::move(*now), {}, maker.label, real_path(k).value_or(""), {}};
  }
  if (!entry.grants && (!action.owner.empty() || !action.group.empty())) entry.grants = grants_at(base, k);
  if (entry.grants) hand_over(entry, action.owner, action.group, false);
  if (action.mode) entry.view.status.mode = *action.mode;
  if (!action.owner.empty()) entry.view.status.owner = action.owner;
  if (!action.group.empty()) entry.view.status.group = action.group;
  entries_[k] = std::move(entry);
}

void OverlayFiles::apply(const RemovePath& action, const FileReader& base, const Maker& maker) {
  const std::string k = key(base, action.path);
  if (k == "/") throw Error("/ is a mount of its own; it is not removed");
  if (const Entry* entry = find(k); !entry || entry->kind != Entry::Kind::opaque) {
    const auto now = look(base, k, 0);
    if (!now) return;
    if (now->status.type == FileType::directory && !action.recursive) {
      const auto names = list(base, k);
      if (names && !names->empty())
        throw Error("the folder " + action.path + " is not empty; it is not removed");
    }
  }
  remove_below(k);
  put(k, Entry{Entry::Kind::absent, {}, {}, maker.label, "", {}});
}

void OverlayFiles::apply(const RenamePath& action, const FileReader& base, const Maker& maker) {
  const std::string from = key(base, action.from), to = key(base, action.to);
  const std::string doing = "cannot rename " + action.from + " to " + action.to + ": ";
  need_folder(from, base, action.from);
  need_folder(to, base, action.to);
  Entry moved;
  if (const Entry* known = find(from); known && known->kind != Entry::Kind::absent) {
    moved = *known;
  } else {
    auto now = look(base, from, 0);
    if (!now) throw Error(doing + "No such file or directory");
    moved = {Entry::Kind::made, std::move(*now), {}, maker.label, real_path(from).value_or(""), {}};
  }
  if (const auto there = look(base, to, 0)) {
    const bool folders = there->status.type == FileType::directory &&
                         (moved.kind == Entry::Kind::opaque || moved.view.status.type == FileType::directory);
    if (!folders) throw Error(doing + "File exists");
    if (!list(base, to).value_or(std::vector<std::string>()).empty())
      throw Error(doing + "Directory not empty");
  }
  std::vector<std::pair<std::string, Entry>> below;
  for (auto i = entries_.lower_bound(from + "/"); i != entries_.end() && i->first.starts_with(from + "/"); ++i)
    below.emplace_back(to + i->first.substr(from.size()), i->second);
  remove_below(from);
  remove_below(to);
  entries_[from] = Entry{Entry::Kind::absent, {}, {}, maker.label, "", {}};
  put(to, std::move(moved));
  for (auto& [k, entry] : below) entries_[k] = std::move(entry);
}

void OverlayFiles::apply(const RestorePath& action, const FileReader& base, const Maker& maker) {
  restore(action.saved, action.content, base, maker);
  for (const SavedBelow& one : action.below) restore(one.saved, one.content, base, maker);
}

void OverlayFiles::restore(const SavedPath& saved, const std::optional<std::string>& content,
                           const FileReader& base, const Maker& maker) {
  const std::string k = key(base, saved.path);
  need_folder(k, base, saved.path);
  const FileType type = saved.kind == SavedPath::Kind::folder ? FileType::directory
                        : saved.kind == SavedPath::Kind::link ? FileType::symlink
                                                              : FileType::regular;
  const auto old = look(base, k, 0);
  const bool replaceable = old && (old->status.type == FileType::regular || old->status.type == FileType::symlink);
  if (old && (type == FileType::directory ? old->status.type != type : !replaceable))
    throw Error(saved.path + " is " + to_text(old->status.type) + "; it is not replaced");
  Entry entry = fresh(k, type, base, maker);
  if (old && type == FileType::directory) entry.shows = real_path(k).value_or("");
  FileStatus& s = entry.view.status;
  if (type != FileType::symlink) s.mode = saved.mode;
  s.owner = saved.owner;
  s.group = saved.group;
  s.size = saved.size;
  s.mtime_ns = saved.modified_ns;
  entry.view.target = saved.target;
  entry.view.content = content;
  if (type == FileType::regular) entry.digest = saved.digest;
  if (const auto other = saved.hard_link.empty() ? std::nullopt : view(base, saved.hard_link, 0)) {
    s.device = other->status.device;
    s.inode = other->status.inode;
    s.links = other->status.links;
  }
  put(k, std::move(entry));
}

void OverlayFiles::apply(const Download& action, const FileReader& base, const Maker& maker) {
  apply(WriteFile{action.path, "", action.mode, action.owner, action.group, false}, base, maker);
  Entry& entry = entries_[followed(base, action.path)];
  entry.view.content.reset();
  entry.digest = action.sha256.empty() ? std::nullopt : std::optional(action.sha256);
}

void OverlayFiles::apply(const CreateSecret& action, const FileReader& base, const Maker& maker) {
  apply(WriteFile{action.path, "", 0600, action.owner, action.group, false}, base, maker);
  Entry& entry = entries_[followed(base, action.path)];
  entry.view.content.reset();
  entry.view.status.size = 2 * action.bytes;
}

void OverlayFiles::assume_made(const std::string& path, const FileReader& base, const Maker& maker) {
  const std::string k = key(base, path);
  remove_below(k);
  put(k, Entry{Entry::Kind::opaque, {}, {}, maker.label, "", {}});
}

}  // namespace mlops
