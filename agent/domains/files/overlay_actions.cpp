// Actions on the simulated tree of files.
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "domains/files/attributes.hpp"
#include "domains/files/local.hpp"
#include "domains/files/overlay.hpp"
#include "domains/files/paths.hpp"
#include "domains/files/safe_path.hpp"

namespace mlops {
namespace {

constexpr std::uint32_t set_group_id = 02000, sticky = 01000;
constexpr std::uint32_t writes = 2, enters = 1;

// Then modes alone do not decide permissions.
bool has_access_list(const std::string& path) {
  return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

}  // namespace

void OverlayFiles::need_folder(const std::string& k, const Base& base, const std::string& path,
                               const std::string& doing) const {
  const std::string folder(folder_of(k));
  if (!is_folder(base, folder)) throw Error("the folder of " + path + " does not exist");
  if (name_of(k).size() > name_limit) throw system_error(doing, ENAMETOOLONG);
}

bool OverlayFiles::may(const std::string& k, std::uint32_t rights, const Base& base, const Maker& maker) const {
  if (!maker.bound || not_foreseen(k)) return true;
  const auto found = look(base, k, 0);
  if (!found) return true;
  const FileStatus& s = found->status;
  const bool in_group = s.group == maker.group ||
                        std::find(maker.groups.begin(), maker.groups.end(), s.group) != maker.groups.end();
  const std::uint32_t given = s.owner == maker.user ? s.mode >> 6 : in_group ? s.mode >> 3 : s.mode;
  if ((given & rights) == rights) return true;
  const auto real = real_path(k);
  return real && has_access_list(*real);  // the kernel decides
}

void OverlayFiles::need_way(const std::string& k, const Base& base, const Maker& maker) const {
  if (!maker.bound) return;
  for (std::size_t at = 1; at != std::string::npos; at = k.find('/', at + 1)) {
    const std::size_t slash = k.find('/', at);
    if (slash == std::string::npos) return;
    const std::string folder = k.substr(0, slash);
    if (!may(folder, enters, base, maker))
      throw system_error("cannot open " + k.substr(0, k.find('/', slash + 1)), EACCES);
    at = slash;
  }
}

void OverlayFiles::need_right(const std::string& k, const Base& base, const Maker& maker,
                              const std::string& doing) const {
  if (!maker.bound) return;
  need_way(k, base, maker);
  const std::string folder(folder_of(k));
  if (!may(folder, writes | enters, base, maker)) throw system_error(doing, EACCES);
  if (not_foreseen(k)) return;
  const auto above = look(base, folder, 0), there = look(base, k, 0);
  if (above && there && (above->status.mode & sticky) && there->status.owner != maker.user &&
      above->status.owner != maker.user)
    throw system_error(doing, EPERM);
}

// Only root can change an owner, and only members of a group can set it.
void OverlayFiles::need_gift(const std::string& owner, const std::string& group, const Maker& maker,
                             const std::string& doing) {
  if (!maker.bound) return;
  const bool member = group.empty() || group == maker.group ||
                      std::find(maker.groups.begin(), maker.groups.end(), group) != maker.groups.end();
  if ((!owner.empty() && owner != maker.user) || !member) throw system_error(doing, EPERM);
}

void OverlayFiles::need_hand_over(const std::string& k, const FileStatus& now, const std::string& owner,
                                  const std::string& group, std::optional<std::uint32_t> mode, const Base& base,
                                  const std::string& path) const {
  const std::string folder(folder_of(k));
  if (!base.strict || not_foreseen(folder)) return;
  const auto above = look(base, folder, 0);
  if (!above) return;
  HandOver<std::string> next{{}, {}, mode};
  if (!owner.empty()) next.owner = owner;
  if (!group.empty()) next.group = group;
  if (gives_away<std::string>({now.owner, now.group, now.mode, above->status.owner, above->status.mode}, next,
                              "root"))
    throw Error(given_away(path, now.owner), ErrorKind::unsafe_path);
}

OverlayFiles::Entry OverlayFiles::fresh(const std::string& k, FileType type, const Base& base,
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

// Removes what the entry does not keep with another owner, group or content.
void OverlayFiles::hand_over(Entry& entry, const std::string& owner, const std::string& group, bool content) {
  FileStatus& s = entry.view.status;
  const bool folder = s.type == FileType::directory;
  const Handover over{!owner.empty() && owner != s.owner, !group.empty() && group != s.group, content};
  s.mode = mode_after(s.mode, folder, over, entry.grants->acl_group);
  entry.grants = grants_after(*entry.grants, folder, over);
}

void OverlayFiles::note(const std::string& k) {
  if (!replaced_ || replaced_->contains(k)) return;
  const Entry* known = find(k);
  replaced_->emplace(k, known ? std::optional(*known) : std::nullopt);
}

void OverlayFiles::go_back() {
  auto replaced = std::exchange(replaced_, std::nullopt);
  for (auto& [k, before] : replaced.value()) {
    if (before)
      entries_[k] = std::move(*before);
    else
      entries_.erase(k);
  }
  folders_.clear();
  strict_folders_.clear();
}

void OverlayFiles::set(const std::string& k, Entry entry) {
  note(k);
  entries_[k] = std::move(entry);
}

void OverlayFiles::put(const std::string& k, Entry entry) {
  set(k, std::move(entry));
  folders_.clear();
  strict_folders_.clear();
}

void OverlayFiles::remove_below(const std::string& k) {
  for (auto i = entries_.lower_bound(k + "/"); i != entries_.end() && i->first.starts_with(k + "/");) {
    note(i->first);
    i = entries_.erase(i);
  }
}

void OverlayFiles::apply(const WriteFile& action, const Base& base, const Maker& maker) {
  write(action, base, maker, false);
}

// As StagedFile does: it is written in place, and keeps its owner.
bool OverlayFiles::stays_anothers(const std::string& k, const FileStatus& now, const WriteFile& action,
                                  const Base& base, const Maker& maker) const {
  return maker.bound && now.owner != maker.user && (action.owner.empty() || action.owner == now.owner) &&
         (action.group.empty() || action.group == now.group) && (!action.mode || *action.mode == now.mode) &&
         may(k, writes, base, maker);
}

void OverlayFiles::write(const WriteFile& action, const Base& base, const Maker& maker, bool downloaded) {
  const std::string& path = action.path;
  const std::string k = action.replace_link ? key(base, path) : followed(base, path);
  need_folder(k, base, path, downloaded ? "cannot put " + path + " in place" : "cannot look at " + path);
  if (maker.need_accounts) maker.need_accounts(action.owner, action.group);
  const auto old = not_foreseen(k) ? std::nullopt : look(base, k, 0);
  const bool replaces = old && old->status.type == FileType::regular;
  const bool replaces_link = old && old->status.type == FileType::symlink && action.replace_link;
  if (old && !replaces && !replaces_link)
    throw Error(path + " is " + to_text(old->status.type) + "; it is not replaced");
  if (replaces && !downloaded)
    need_hand_over(k, old->status, action.owner, action.group, action.mode, base, path);
  if (replaces && !downloaded && stays_anothers(k, old->status, action, base, maker)) {
    need_way(k, base, maker);
  } else {
    const std::string name(name_of(k));
    need_right(k, base, maker,
               downloaded ? "cannot make " + temporary_name(name, "part") + " beside " + path
                          : "cannot write beside " + path);
    need_gift(action.owner.empty() && replaces ? old->status.owner : action.owner, action.group, maker,
              "cannot give " + path + " to its owner");
  }
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
  set(k, std::move(entry));
}

void OverlayFiles::apply(const CreateDirectory& action, const Base& base, const Maker& maker) {
  const std::string k = key(base, action.path), doing = "cannot make the folder " + action.path;
  need_folder(k, base, action.path, doing);
  if (maker.need_accounts) maker.need_accounts(action.owner, action.group);
  need_right(k, base, maker, doing);
  need_gift(action.owner, action.group, maker, "cannot give the folder " + action.path + " to its owner");
  if (look(base, k, 0)) throw Error(doing + ": File exists");
  Entry entry = fresh(k, FileType::directory, base, maker);
  FileStatus& s = entry.view.status;
  if (action.mode) s.mode = *action.mode;
  if (!action.owner.empty()) s.owner = action.owner;
  if (!action.group.empty()) s.group = action.group;
  remove_below(k);
  put(k, std::move(entry));
}

void OverlayFiles::apply(const CreateLink& action, const Base& base, const Maker& maker) {
  const std::string k = key(base, action.path), doing = "cannot make the link " + action.path;
  need_folder(k, base, action.path, doing);
  if (maker.need_accounts) maker.need_accounts(action.owner, action.group);
  if (look(base, k, 0)) throw Error(doing + ": File exists");
  need_right(k, base, maker, doing);
  need_gift(action.owner, action.group, maker, "cannot give the link " + action.path + " to its owner");
  Entry entry = fresh(k, FileType::symlink, base, maker);
  if (!action.owner.empty()) entry.view.status.owner = action.owner;
  if (!action.group.empty()) entry.view.status.group = action.group;
  entry.view.target = action.target;
  put(k, std::move(entry));
}

void OverlayFiles::apply(const SetAttributes& action, const Base& base, const Maker& maker) {
  const std::string k = followed(base, action.path), opening = "cannot open " + action.path;
  need_folder(k, base, action.path, opening);
  if (maker.need_accounts) maker.need_accounts(action.owner, action.group);
  need_way(k, base, maker);
  Entry entry;
  if (const Entry* known = find(k); known && known->kind != Entry::Kind::absent) {
    entry = *known;
  } else {
    auto now = look(base, k, 0);
    if (!now) throw Error(opening + ": No such file or directory");
    entry = {Entry::Kind::made, std::move(*now), {}, maker.label, real_path(k).value_or(""), {}};
  }
  if (entry.kind == Entry::Kind::made) {
    const FileStatus& s = entry.view.status;
    need_hand_over(k, s, action.owner, action.group, action.mode, base, action.path);
    const bool given = !action.owner.empty() || !action.group.empty();
    const bool narrowed = action.mode && (s.mode & 0777 & ~*action.mode) != 0;
    const std::string giving = "cannot give " + action.path + " to its owner",
                      setting = "cannot set the mode of " + action.path;
    if (maker.bound && s.owner != maker.user) throw system_error(given && !narrowed ? giving : setting, EPERM);
    need_gift(action.owner, action.group == s.group ? "" : action.group, maker, giving);
  }
  if (!entry.grants && (!action.owner.empty() || !action.group.empty())) entry.grants = grants_at(base, k);
  if (entry.grants) hand_over(entry, action.owner, action.group, false);
  if (action.mode) entry.view.status.mode = *action.mode;
  if (!action.owner.empty()) entry.view.status.owner = action.owner;
  if (!action.group.empty()) entry.view.status.group = action.group;
  put(k, std::move(entry));
}

void OverlayFiles::apply(const RemovePath& action, const Base& base, const Maker& maker) {
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
    const bool folder = now->status.type == FileType::directory && !action.recursive;
    need_right(k, base, maker, (folder ? "cannot remove the folder " : "cannot remove ") + action.path);
  }
  remove_below(k);
  put(k, Entry{Entry::Kind::absent, {}, {}, maker.label, "", {}});
}

void OverlayFiles::apply(const RenamePath& action, const Base& base, const Maker& maker) {
  const std::string from = key(base, action.from), to = key(base, action.to);
  const std::string renaming = "cannot rename " + action.from + " to " + action.to, doing = renaming + ": ";
  need_folder(from, base, action.from, renaming);
  need_folder(to, base, action.to, renaming);
  need_right(from, base, maker, renaming);
  need_right(to, base, maker, renaming);
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
  set(from, Entry{Entry::Kind::absent, {}, {}, maker.label, "", {}});
  put(to, std::move(moved));
  for (auto& [k, entry] : below) set(k, std::move(entry));
}

void OverlayFiles::apply(const RestorePath& action, const Base& base, const Maker& maker) {
  const std::string top = key(base, action.saved.path);
  // New entries are created through descriptors: only the path to them is walked.
  const bool by_path = look(base, top, 0).has_value();
  restore(top, action.saved, action.content, base, maker);
  for (const SavedBelow& one : action.below) {
    const std::string& path = one.saved.path;
    const bool within = !by_path && is_within(path, action.saved.path);
    restore(within ? top + path.substr(action.saved.path.size()) : key(base, path), one.saved, one.content,
            base, maker);
  }
}

void OverlayFiles::restore(const std::string& k, const SavedPath& saved,
                           const std::optional<std::string>& content, const Base& base, const Maker& maker) {
  need_folder(k, base, saved.path, "cannot look at " + saved.path);
  const FileType type = saved.kind == SavedPath::Kind::folder ? FileType::directory
                        : saved.kind == SavedPath::Kind::link ? FileType::symlink
                                                              : FileType::regular;
  const auto old = look(base, k, 0);
  const bool replaceable =
      old && (old->status.type == FileType::regular || old->status.type == FileType::symlink);
  if (old && (type == FileType::directory ? old->status.type != type : !replaceable))
    throw Error(saved.path + " is " + to_text(old->status.type) + "; it is not replaced");
  Entry entry = fresh(k, type, base, maker);
  const bool attributes_alone = saved.kind == SavedPath::Kind::file && saved.digest.empty() && saved.inode != 0;
  if (old && attributes_alone) {
    const Entry* known = find(k);
    entry = known ? *known : Entry{Entry::Kind::made, *old, {}, maker.label, real_path(k).value_or(""), {}};
  }
  if (old && type == FileType::directory) entry.shows = real_path(k).value_or("");
  FileStatus& s = entry.view.status;
  if (type != FileType::symlink) s.mode = saved.mode;
  s.owner = saved.owner;
  s.group = saved.group;
  if (attributes_alone) return put(k, std::move(entry));
  s.size = saved.size;
  s.mtime_ns = saved.modified_ns;
  entry.view.target = saved.target;
  entry.view.content = content;
  if (type == FileType::regular) entry.digest = saved.digest;
  if (const auto other = saved.hard_link.empty() ? std::nullopt
                         : find(saved.hard_link) ? look(base, saved.hard_link, 0)
                                                 : view(base, saved.hard_link, 0)) {
    s.device = other->status.device;
    s.inode = other->status.inode;
    s.links = other->status.links;
  }
  put(k, std::move(entry));
}

void OverlayFiles::apply(const Download& action, const Base& base, const Maker& maker) {
  write(WriteFile{action.path, "", action.mode, action.owner, action.group, false}, base, maker, true);
  Entry& entry = entries_[followed(base, action.path)];
  entry.view.content.reset();
  entry.digest = action.sha256.empty() ? std::nullopt : std::optional(action.sha256);
}

void OverlayFiles::apply(const CreateSecret& action, const Base& base, const Maker& maker) {
  apply(WriteFile{action.path, "", 0600, action.owner, action.group, false}, base, maker);
  Entry& entry = entries_[followed(base, action.path)];
  entry.view.content.reset();
  entry.view.status.size = 2 * action.bytes;
}

void OverlayFiles::apply(const CreateSshKey& action, const Base& base, const Maker& maker) {
  const std::string public_path = action.path + ".pub";
  for (const std::string& path : {action.path, public_path})
    if (view(base, path, 0)) throw Error(path + " exists already: a key is never overwritten");
  for (const auto& [path, mode] : {std::pair{action.path, action.mode}, {public_path, 0644u}}) {
    apply(WriteFile{.path = path, .mode = mode, .owner = action.owner, .group = action.group}, base, maker);
    entries_[followed(base, path)].view.content.reset();
  }
}

bool OverlayFiles::bring(const PackagedPath& packaged, const Base& base, const std::string& label) {
  const std::string k = key(base, packaged.path);
  if (find(k) || not_foreseen(k)) return false;
  const auto above = look(base, std::string(folder_of(k)), 0);
  if (!above || above->status.type != FileType::directory || look(base, k, 0)) return false;
  // Whatever happens to the action, the package has installed it.
  entries_[k] = Entry{Entry::Kind::made, {packaged.status, packaged.target, {}}, {}, label, "", {}};
  folders_.clear();
  strict_folders_.clear();
  return true;
}

void OverlayFiles::assume_made(const std::string& path, const Base& base, const Maker& maker) {
  const std::string k = key(base, path);
  remove_below(k);
  put(k, Entry{Entry::Kind::opaque, {}, {}, maker.label, "", {}});
}

}  // namespace mlops
