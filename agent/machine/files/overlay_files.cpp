#include "machine/files/overlay_files.hpp"

#include <algorithm>

#include "machine/files/digest.hpp"
#include "machine/files/paths.hpp"
#include "model/error.hpp"

namespace mlops {
namespace {

[[noreturn]] void not_known(const std::string& label) { throw Unknown{{label}, ""}; }

}  // namespace

// The deepest folder above that really exists has its links replaced; what follows does not exist but here.
std::string OverlayFiles::key(const FileReader& base, const std::string& path) const {
  if (path == "/") return path;
  const std::string folder(folder_of(path));
  auto known = folders_.find(folder);
  if (known == folders_.end()) {
    const Entry* link = find(folder);
    std::string real;
    if (link && link->view.status.type == FileType::symlink && link->kind == Entry::Kind::made)
      real = resolve(base, folder).value_or(folder);
    else
      real = base.resolve(folder).value_or(folder == "/" ? "/" : key(base, folder));
    known = folders_.emplace(folder, std::move(real)).first;
  }
  return join_path(known->second, name_of(path));
}

const OverlayFiles::Entry* OverlayFiles::find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

const OverlayFiles::Entry* OverlayFiles::above(const std::string& key) const {
  for (std::string_view at = folder_of(key); at != "/"; at = folder_of(at))
    if (const Entry* entry = find(std::string(at)); entry && entry->kind != Entry::Kind::changed) return entry;
  return nullptr;
}

std::optional<FileView> OverlayFiles::view(const FileReader& base, const std::string& path, std::uint64_t limit) const {
  if (entries_.empty()) return base.view(path, limit);
  const std::string k = key(base, path);
  if (const Entry* entry = find(k)) {
    if (entry->kind == Entry::Kind::absent) return std::nullopt;
    if (entry->kind == Entry::Kind::opaque) not_known(entry->label);
    FileView v = entry->view;
    if (v.status.type != FileType::regular || limit == 0) {
      v.content.reset();
      return v;
    }
    if (!v.content && entry->kind == Entry::Kind::changed) {
      if (auto real = base.view(path, limit)) v.content = std::move(real->content);
      return v;
    }
    if (!v.content) not_known(entry->label);
    if (v.content->size() > limit) v.content.reset();
    return v;
  }
  if (const Entry* entry = above(k)) {
    if (entry->kind == Entry::Kind::opaque) not_known(entry->label);
    return std::nullopt;
  }
  return base.view(path, limit);
}

std::optional<std::vector<std::string>> OverlayFiles::list(const FileReader& base, const std::string& path) const {
  if (entries_.empty()) return base.list(path);
  const auto real = resolve(base, path);
  if (!real) return std::nullopt;
  const Entry* entry = find(*real);
  const Entry* upper = entry ? entry : above(*real);
  if (upper && upper->kind == Entry::Kind::opaque) not_known(upper->label);
  if (entry && (entry->kind == Entry::Kind::absent || entry->view.status.type != FileType::directory))
    return std::nullopt;
  std::vector<std::string> names;
  if (!upper || upper->kind == Entry::Kind::changed) {
    auto below = base.list(path);
    if (!below && !entry) return std::nullopt;
    if (below) names = std::move(*below);
  } else if (!entry) {
    return std::nullopt;
  }
  for (const auto& [k, e] : entries_) {
    if (folder_of(k) != *real || k == "/") continue;
    const std::string name(name_of(k));
    std::erase(names, name);
    if (e.kind != Entry::Kind::absent) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> OverlayFiles::resolve(const FileReader& base, const std::string& path) const {
  if (entries_.empty()) return base.resolve(path);
  std::string at = path;
  for (int links = 0; links <= 40; ++links) {
    const std::string k = key(base, at);
    const Entry* entry = find(k);
    if (!entry) {
      const Entry* upper = above(k);
      if (!upper) return base.resolve(at);
      if (upper->kind == Entry::Kind::opaque) not_known(upper->label);
      return std::nullopt;
    }
    if (entry->kind == Entry::Kind::absent) return std::nullopt;
    if (entry->kind == Entry::Kind::opaque || entry->view.status.type != FileType::symlink) return k;
    const std::string& target = entry->view.target;
    at = target.starts_with('/') ? target : join_path(folder_of(k), target);
  }
  return std::nullopt;
}

std::optional<std::string> OverlayFiles::sha256(const FileReader& base, const std::string& path) const {
  if (entries_.empty()) return base.sha256(path);
  const auto real = resolve(base, path);
  if (!real) return std::nullopt;
  const Entry* entry = find(*real);
  if (!entry || entry->kind == Entry::Kind::changed) return base.sha256(path);
  if (entry->view.status.type != FileType::regular && entry->kind != Entry::Kind::opaque) return std::nullopt;
  if (entry->digest) return entry->digest;
  if (!entry->view.content) not_known(entry->label);
  return sha256_hex(*entry->view.content);
}

bool OverlayFiles::touched(const FileReader& base, const std::string& path) const {
  if (entries_.empty()) return false;
  const std::string k = key(base, path);
  return find(k) || above(k);
}

void OverlayFiles::need_folder(const std::string& k, const FileReader& base) const {
  const std::string folder(folder_of(k));
  if (folder == "/") return;
  const Entry* entry = find(folder);
  if (entry && entry->kind == Entry::Kind::opaque) return;
  const auto found = view(base, folder, 0);
  if (!found) throw Error("the folder of " + k + " does not exist");
  if (found->status.type != FileType::directory && found->status.type != FileType::symlink)
    throw Error(folder + " is " + to_text(found->status.type) + ", not the folder of " + k);
}

void OverlayFiles::remove_below(const std::string& k) {
  for (auto i = entries_.lower_bound(k + "/"); i != entries_.end() && i->first.starts_with(k + "/");)
    i = entries_.erase(i);
}

void OverlayFiles::apply(const WriteFile& action, const FileReader& base, const Maker& maker) {
  std::string path = action.path;
  if (!action.replace_link)
    if (const auto real = resolve(base, path)) path = *real;
  const std::string k = key(base, path);
  need_folder(k, base);
  const auto old = view(base, path, 0);
  const bool replaces = old && old->status.type == FileType::regular;
  if (old && !replaces && !(action.replace_link && old->status.type == FileType::symlink))
    throw Error(action.path + " is " + to_text(old->status.type) + "; it is not replaced");
  Entry entry{Entry::Kind::made, {}, {}, maker.label};
  FileStatus& s = entry.view.status;
  s.type = FileType::regular;
  s.mode = action.mode ? *action.mode : replaces ? old->status.mode : 0644;
  s.owner = !action.owner.empty() ? action.owner : replaces ? old->status.owner : maker.user;
  s.group = !action.group.empty() ? action.group : replaces ? old->status.group : maker.group;
  s.size = action.content.size();
  entry.view.content = action.content;
  entries_[k] = std::move(entry);
}

void OverlayFiles::apply(const CreateDirectory& action, const FileReader& base, const Maker& maker) {
  const std::string k = key(base, action.path);
  need_folder(k, base);
  if (view(base, action.path, 0)) throw Error("cannot make the folder " + action.path + ": something is there");
  Entry entry{Entry::Kind::made, {}, {}, maker.label};
  entry.view.status.type = FileType::directory;
  entry.view.status.mode = action.mode.value_or(0755);
  entry.view.status.owner = action.owner.empty() ? maker.user : action.owner;
  entry.view.status.group = action.group.empty() ? maker.group : action.group;
  remove_below(k);
  entries_[k] = std::move(entry);
}

void OverlayFiles::apply(const CreateLink& action, const FileReader& base, const Maker& maker) {
  const std::string k = key(base, action.path);
  need_folder(k, base);
  if (view(base, action.path, 0)) throw Error("cannot make the link " + action.path + ": something is there");
  Entry entry{Entry::Kind::made, {}, {}, maker.label};
  entry.view.status.type = FileType::symlink;
  entry.view.status.mode = 0777;
  entry.view.status.owner = action.owner.empty() ? maker.user : action.owner;
  entry.view.status.group = action.group.empty() ? maker.group : action.group;
  entry.view.target = action.target;
  entries_[k] = std::move(entry);
  folders_.clear();
}

void OverlayFiles::apply(const SetAttributes& action, const FileReader& base, const Maker& maker) {
  const std::string path = resolve(base, action.path).value_or(action.path);
  const std::string k = key(base, path);
  const Entry* known = find(k);
  Entry entry;
  if (known) {
    entry = *known;
  } else {
    auto real = view(base, path, 0);
    if (!real) throw Error("cannot open " + action.path + ": No such file or directory");
    entry = {Entry::Kind::changed, std::move(*real), {}, maker.label};
  }
  if (action.mode) entry.view.status.mode = *action.mode;
  if (!action.owner.empty()) entry.view.status.owner = action.owner;
  if (!action.group.empty()) entry.view.status.group = action.group;
  entries_[k] = std::move(entry);
}

void OverlayFiles::apply(const RemovePath& action, const FileReader& base, const Maker& maker) {
  const std::string k = key(base, action.path);
  if (const Entry* entry = find(k); !entry || entry->kind != Entry::Kind::opaque) {
    const auto now = view(base, action.path, 0);
    if (!now) return;
    if (now->status.type == FileType::directory && !action.recursive) {
      const auto names = list(base, action.path);
      if (names && !names->empty()) throw Error("the folder " + action.path + " is not empty; it is not removed");
    }
  }
  remove_below(k);
  entries_[k] = Entry{Entry::Kind::absent, {}, {}, maker.label};
  folders_.clear();
}

void OverlayFiles::apply(const RenamePath& action, const FileReader& base, const Maker& maker) {
  const std::string from = key(base, action.from), to = key(base, action.to);
  need_folder(to, base);
  Entry moved;
  if (const Entry* known = find(from); known && known->kind != Entry::Kind::changed) {
    moved = *known;
  } else {
    auto real = view(base, action.from, 64u << 20);
    if (!real) throw Error("cannot rename " + action.from + ": No such file or directory");
    const bool folder = real->status.type == FileType::directory;
    moved = {folder ? Entry::Kind::opaque : Entry::Kind::made, std::move(*real), {}, maker.label};
  }
  std::vector<std::pair<std::string, Entry>> below;
  for (auto i = entries_.lower_bound(from + "/"); i != entries_.end() && i->first.starts_with(from + "/"); ++i)
    below.emplace_back(to + i->first.substr(from.size()), i->second);
  remove_below(from);
  remove_below(to);
  entries_[from] = Entry{Entry::Kind::absent, {}, {}, maker.label};
  entries_[to] = std::move(moved);
  for (auto& [k, entry] : below) entries_[k] = std::move(entry);
  folders_.clear();
}

void OverlayFiles::apply(const Download& action, const FileReader& base, const Maker& maker) {
  WriteFile file{action.path, "", action.mode, action.owner, action.group, false};
  apply(file, base, maker);
  Entry& entry = entries_[key(base, resolve(base, action.path).value_or(action.path))];
  entry.view.content.reset();
  if (!action.sha256.empty()) entry.digest = action.sha256;
}

void OverlayFiles::assume_made(const std::string& path, const FileReader& base, const Maker& maker) {
  const std::string k = key(base, path);
  remove_below(k);
  entries_[k] = Entry{Entry::Kind::opaque, {}, {}, maker.label};
}

}  // namespace mlops
