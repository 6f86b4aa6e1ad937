// How the actions on files are reverted.
#include <algorithm>

#include <fmt/format.h>

#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/domains.hpp"
#include "domains/files/paths.hpp"
#include "domains/inverse.hpp"
#include "domains/leftovers.hpp"
#include "domains/matches.hpp"

namespace mlops {
namespace {

using Kind = SavedPath::Kind;

// Except leftovers of an interrupted run in a tree: they are not restored.
bool comes_back(const SavedPath& saved, const std::string& top) {
  if (saved.kind == Kind::absent) return false;
  for (std::string_view at = saved.path; is_within(at, top); at = folder_of(at)) {
    if (is_staging_name(name_of(at))) return false;
    if (at == top) break;
  }
  return true;
}

// The previous object at a path, with everything below it.
Inverse restored(Before before) {
  if (!before.not_kept.empty())
    return {{}, {fmt::format("what was at {} ({})", before.paths.front().path, before.not_kept)}};
  const std::string top = before.paths.front().path;
  std::erase_if(before.paths, [&](const SavedPath& saved) { return !comes_back(saved, top); });
  if (before.paths.empty()) return {};
  RestorePath restore{before.paths.front(), {}};
  for (std::size_t i = 1; i < before.paths.size(); ++i) restore.below.push_back({before.paths[i], {}});
  Inverse result{{std::move(restore)}, {}};
  for (const SavedPath& saved : before.paths)
    if (saved.other_names > 0)
      result.stays.push_back(fmt::format("the hard links of {} to {} other {}, which will be another file",
                                         saved.path, saved.other_names,
                                         saved.other_names == 1 ? "name" : "names"));
  return result;
}

std::string public_path(const CreateSshKey& a) { return a.path + ".pub"; }

Inverse made(const std::string& path, const Before& before) {
  if (existed(before)) return {};
  return {{RemovePath{before.paths.empty() ? path : before.paths.front().path}}, {}};
}

// Whether the hard link's other name is a separate file with the same content and attributes. If those differ,
// the link has yet to be restored, or somebody changed the file.
bool is_apart(const SavedPath& saved, const FileStatus& s, const FileReader& files) {
  const auto other = files.status(saved.hard_link);
  return other && other->type == FileType::regular && other->inode != s.inode && other->mode == saved.mode &&
         other->owner == saved.owner && other->group == saved.group &&
         files.sha256(saved.hard_link) == saved.digest;
}

bool is_restored(const SavedPath& saved, const FileReader& files) {
  const auto found = files.view(saved.path, 0);
  if (saved.kind == Kind::absent) return !found;
  if (!found) return false;
  const FileStatus& s = found->status;
  if (s.owner != saved.owner || s.group != saved.group) return false;
  switch (saved.kind) {
    case Kind::link:
      return s.type == FileType::symlink && found->target == saved.target;
    case Kind::folder:
      return s.type == FileType::directory && s.mode == saved.mode;
    case Kind::file:
      if (!saved.hard_link.empty() && is_apart(saved, s, files)) return false;
      return s.type == FileType::regular && s.mode == saved.mode &&
             (saved.digest.empty() || files.sha256(saved.path) == saved.digest);
    default:
      return false;
  }
}

// For paths below a restored tree. The tree was restored as a whole, through descriptors; if parts of it belong
// to several users, root does not walk it again.
bool is_restored_below(const SavedPath& saved, const FileReader& files) try {
  return is_restored(saved, files);
} catch (const Error& e) {
  if (e.kind() != ErrorKind::unsafe_path) throw;
  return true;
}

}  // namespace

bool existed(const Before& before) {
  return !before.paths.empty() && before.paths.front().kind != Kind::absent;
}

Inverse inverse_of_write(const std::string& path, const Before& before, bool sensitive) {
  if (existed(before)) return restored(before);
  return {{RemovePath{.path = before.paths.empty() ? path : before.paths.front().path, .sensitive = sensitive}},
          {}};
}

// ---- capture ----

void capture(const WriteFile& a, CaptureBefore& c, Before& b) {
  const std::string path = c.real(a.path, !a.replace_link);
  if (!a.sensitive || !c.attributes_of_secret(path, b)) c.whole(path, b);
}
void capture(const CreateSecret& a, CaptureBefore& c, Before& b) { c.whole(c.real(a.path, true), b); }
void capture(const CreateSshKey& a, CaptureBefore& c, Before& b) {
  c.attributes(c.real(a.path, false), b);
  c.attributes(c.real(public_path(a), false), b);
}
void capture(const RestorePath& a, CaptureBefore& c, Before& b) {
  const std::string path = c.real(a.saved.path, false);
  const bool attributes_alone = a.saved.kind == Kind::file && a.saved.digest.empty();
  attributes_alone ? c.attributes(path, b) : c.tree(path, b);
}
void capture(const CreateDirectory& a, CaptureBefore& c, Before& b) { c.attributes(c.real(a.path, false), b); }
void capture(const CreateLink& a, CaptureBefore& c, Before& b) { c.attributes(c.real(a.path, false), b); }
void capture(const SetAttributes& a, CaptureBefore& c, Before& b) { c.attributes(c.real(a.path, true), b); }
void capture(const RemovePath& a, CaptureBefore& c, Before& b) {
  const std::string path = c.real(a.path, false);
  if (!a.sensitive || !c.attributes_of_secret(path, b)) c.tree(path, b);
}
void capture(const RenamePath& a, CaptureBefore& c, Before& b) {
  c.attributes(c.real(a.to, false), b);
  c.attributes(c.real(a.from, false), b);
}

// ---- invert ----

Inverse invert(const WriteFile& a, const Before& b) { return inverse_of_write(a.path, b, a.sensitive); }
Inverse invert(const CreateSecret& a, const Before& b) { return inverse_of_write(a.path, b, true); }
// It fails where one of them existed.
Inverse invert(const CreateSshKey& a, const Before& b) {
  if (existed(b) || (b.paths.size() > 1 && b.paths[1].kind != Kind::absent)) return {};
  const bool known = b.paths.size() > 1;
  return {{RemovePath{.path = known ? b.paths[1].path : public_path(a)},
           RemovePath{.path = known ? b.paths[0].path : a.path, .sensitive = true}},
          {}};
}
Inverse invert(const RestorePath& a, const Before& b) {
  if (existed(b) || a.below.empty()) return inverse_of_write(a.saved.path, b, false);
  return {{RemovePath{a.saved.path, true}}, {}};
}
Inverse invert(const CreateDirectory& a, const Before& b) { return made(a.path, b); }
Inverse invert(const CreateLink& a, const Before& b) { return made(a.path, b); }

Inverse invert(const SetAttributes& a, const Before& b) {
  if (!existed(b)) return {};
  const SavedPath& was = b.paths.front();
  // While it is the same file or folder, all that this run took from it can be given back.
  if (was.inode != 0 && (was.kind == Kind::file || was.kind == Kind::folder))
    return {{RestorePath{was, {}}}, {}};
  SetAttributes back{.path = was.path};
  if (a.mode || !a.owner.empty() || !a.group.empty()) back.mode = was.mode;  // chown(2) clears set-user-ID
  if (!a.owner.empty()) back.owner = was.owner;
  if (!a.group.empty()) back.group = was.group;
  if ((!a.owner.empty() || !a.group.empty()) && !was.attributes.empty()) back.extended = was.attributes;
  return {{back}, {}};
}

Inverse invert(const RemovePath&, const Before& b) { return existed(b) ? restored(b) : Inverse(); }

// before: what was at `to`, at most an empty folder.
Inverse invert(const RenamePath& a, const Before& b) {
  Inverse result{{RenamePath{a.to, a.from}}, {}};
  if (existed(b)) result.actions.push_back(RestorePath{b.paths.front(), {}});
  return result;
}

// ---- satisfied ----

bool satisfied(const WriteFile&, const MachineReader&) { return false; }
bool satisfied(const CreateSecret&, const MachineReader&) { return false; }
bool satisfied(const CreateSshKey&, const MachineReader&) { return false; }
bool satisfied(const CreateDirectory&, const MachineReader&) { return false; }
bool satisfied(const CreateLink&, const MachineReader&) { return false; }
bool satisfied(const RestorePath& a, const MachineReader& m) {
  return is_restored(a.saved, m.files()) &&
         std::all_of(a.below.begin(), a.below.end(),
                     [&](const SavedBelow& b) { return is_restored_below(b.saved, m.files()); });
}
bool satisfied(const RemovePath& a, const MachineReader& m) { return !m.files().exists(a.path); }
bool satisfied(const RenamePath& a, const MachineReader& m) {
  return m.files().exists(a.to) && !m.files().exists(a.from);
}
bool satisfied(const SetAttributes& a, const MachineReader& m) {
  const auto s = m.files().status(a.path);
  return s && matches(a.mode, s->mode) && (a.owner.empty() || a.owner == s->owner) &&
         (a.group.empty() || a.group == s->group);
}

// ---- touch ----

void touch_path(std::size_t i, const std::string& given, const Before& b, Things& things, const char* kind) {
  things.insert(fmt::format("{} {}", kind, i < b.paths.size() ? b.paths[i].path : given));
}

void touch(const WriteFile& a, const Before& b, Things& things) { touch_path(0, a.path, b, things); }
void touch(const CreateSecret& a, const Before& b, Things& things) { touch_path(0, a.path, b, things); }
void touch(const CreateSshKey& a, const Before& b, Things& things) {
  touch_path(0, a.path, b, things);
  touch_path(1, public_path(a), b, things);
}
void touch(const RestorePath& a, const Before& b, Things& things) {
  touch_path(0, a.saved.path, b, things, a.below.empty() ? "path" : "tree");
}
void touch(const CreateDirectory& a, const Before& b, Things& things) { touch_path(0, a.path, b, things); }
void touch(const CreateLink& a, const Before& b, Things& things) { touch_path(0, a.path, b, things); }
void touch(const SetAttributes& a, const Before& b, Things& things) { touch_path(0, a.path, b, things); }
void touch(const RemovePath& a, const Before& b, Things& things) { touch_path(0, a.path, b, things); }
void touch(const RenamePath& a, const Before& b, Things& things) {
  touch_path(0, a.to, b, things, "tree");
  touch_path(1, a.from, b, things);
}

// ---- add_leftovers ----

void add_leftovers(const WriteFile& a, LeftoverSearch& s) { s.add_staged(a.path, "new"); }
void add_leftovers(const CreateSecret& a, LeftoverSearch& s) { s.add_staged(a.path, "new"); }
void add_leftovers(const CreateSshKey& a, LeftoverSearch& s) {
  s.add_staged(a.path, "new");
  s.add_staged(public_path(a), "new", 1);
}
void add_leftovers(const RestorePath& a, LeftoverSearch& s) {
  s.add_staged(a.saved.path, a.saved.kind == Kind::folder ? "folder" : "new");
}
void add_leftovers(const CreateDirectory& a, LeftoverSearch& s) { s.add_staged(a.path, "folder"); }
void add_leftovers(const RenamePath& a, LeftoverSearch& s) { s.add_made(1, a.from); }
void add_leftovers(const CreateLink&, LeftoverSearch&) {}
void add_leftovers(const SetAttributes&, LeftoverSearch&) {}
void add_leftovers(const RemovePath&, LeftoverSearch&) {}

// ---- target_path ----

const std::string* target_path(const WriteFile& a) { return &a.path; }
const std::string* target_path(const CreateSecret& a) { return &a.path; }
const std::string* target_path(const CreateSshKey& a) { return &a.path; }
const std::string* target_path(const CreateDirectory& a) { return &a.path; }
const std::string* target_path(const CreateLink& a) { return &a.path; }
const std::string* target_path(const SetAttributes& a) { return &a.path; }
const std::string* target_path(const RemovePath& a) { return &a.path; }
const std::string* target_path(const RenamePath& a) { return &a.to; }
const std::string* target_path(const RestorePath& a) { return &a.saved.path; }

std::optional<std::string> fingerprint(FilesDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& m) {
  if (kind == "path") return m.files().fingerprint(name, FileReader::Depth::itself);
  if (kind == "tree") return m.files().fingerprint(name, FileReader::Depth::tree);
  return std::nullopt;
}

}  // namespace mlops
