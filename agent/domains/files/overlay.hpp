// Simulated files: the overlay's changes on top of the real machine's files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domains/downloads/actions.hpp"
#include "domains/files/actions.hpp"
#include "domains/files/reader.hpp"
#include "domains/packages/reader.hpp"

namespace mlops {

class MachineReader;

// The simulated tree, shared by all identities. The real files are passed to each call: identities differ in
// what they may read. Keys are paths with the real machine's links resolved, so that two names of one file are
// one entry.
class OverlayFiles {
 public:
  static OverlayFiles over(const MachineReader& /*real*/, const MachineReader& /*root*/) { return {}; }

  // The real files as the acting user reads them. strict: the acting user is root, and steps are judged as
  // Walker does; person may own entries in world-writable folders.
  struct Base {
    Base(const FileReader& real, bool judged = false,
         std::string for_whom = "")  // NOLINT: a reader alone is one
        : files(real), strict(judged), person(std::move(for_whom)) {}
    const FileReader& files;
    bool strict;
    std::string person;
  };
  // The identity of the action: new entries belong to it unless an owner is given.
  struct Maker {
    std::string user, group, label;
    bool bound = false;                    // by file modes: true for everyone but root
    std::vector<std::string> groups = {};  // supplementary groups
    // Called with the given owner and group, "" for none. Throws if there is no such account.
    std::function<void(const std::string&, const std::string&)> need_accounts = {};
  };

  // The readers' results; see FileReader. Unknown for what a program will create, naming its label.
  std::optional<FileView> view(const Base& base, const std::string& path, std::uint64_t limit) const;
  std::optional<std::vector<std::string>> list(const Base& base, const std::string& path) const;
  std::optional<std::string> resolve(const Base& base, const std::string& path) const;
  std::optional<std::string> sha256(const Base& base, const std::string& path) const;
  std::optional<Grants> grants(const Base& base, const std::string& path) const;
  // Whether the overlay has its own entry at the path.
  bool touched(const Base& base, const std::string& path) const;

  // Errors are those that the real machine would give: a missing folder, a file in place of a folder.
  void apply(const WriteFile& action, const Base& base, const Maker& maker);
  void apply(const CreateSecret& action, const Base& base, const Maker& maker);
  void apply(const CreateSshKey& action, const Base& base, const Maker& maker);
  void apply(const CreateDirectory& action, const Base& base, const Maker& maker);
  void apply(const CreateLink& action, const Base& base, const Maker& maker);
  void apply(const SetAttributes& action, const Base& base, const Maker& maker);
  void apply(const RemovePath& action, const Base& base, const Maker& maker);
  void apply(const RenamePath& action, const Base& base, const Maker& maker);
  void apply(const RestorePath& action, const Base& base, const Maker& maker);
  void apply(const Download& action, const Base& base, const Maker& maker);
  // A package will install it, unless something exists already, or its folder was removed. Its content is not
  // known. False if nothing was added.
  bool bring(const PackagedPath& packaged, const Base& base, const std::string& label);
  // A program will create it: it exists, as a folder or a file, with unknown content.
  void assume_made(const std::string& path, const Base& base, const Maker& maker);

  // Between begin and commit or go_back all changes are recorded, and go_back reverts them. Does not nest.
  void begin() { replaced_.emplace(); }
  void commit() { replaced_.reset(); }
  void go_back();

 private:
  struct Entry {
    enum class Kind {
      absent,  // removed
      made,    // known; if `shows` is not empty, the real content there shows through
      opaque,  // created by a program
    };
    Kind kind = Kind::made;
    FileView view;
    std::optional<std::string> digest;  // of content that is not in memory
    std::string label;
    std::string shows;             // the real path whose content this has: its own, or that of a renamed entry
    std::optional<Grants> grants;  // of new entries; absent: those of `shows`
  };
  enum class Last { itself, followed, entered };  // entered: a folder, to continue from
  // The origin of a walk's next step: a folder, or the link that led here.
  struct From {
    std::string owner = "root", what = "/";
    std::uint32_t mode = 0755;
  };
  // The path with links resolved, in the overlay and on the real machine; components that do not exist stay as
  // they are. Absent for a loop of links.
  std::optional<std::string> walk(const Base& base, const std::string& path, Last last) const;
  std::string key(const Base& base, const std::string& path) const;
  std::string followed(const Base& base, const std::string& path) const;
  const Entry* find(const std::string& key) const;
  // The real path behind the key; absent if nothing real is visible. Unknown below what a program will create.
  std::optional<std::string> real_path(const std::string& key) const;
  // Whether a program will create the key, or a folder above it.
  bool not_foreseen(const std::string& key) const;
  // The entry at a key; links on the way are already resolved.
  std::optional<FileView> look(const Base& base, const std::string& key, std::uint64_t limit) const;
  Grants grants_at(const Base& base, const std::string& key) const;
  // … or may be one.
  bool is_folder(const Base& base, const std::string& key) const;
  // doing: used in the error for a name that is too long.
  void need_folder(const std::string& key, const Base& base, const std::string& path,
                   const std::string& doing) const;
  static void check(const From& from, const FileStatus& to, const std::string& path, const Base& base);
  // Whether modes allow the maker that access (a mask of 4, 2 and 1) to the key.
  bool may(const std::string& key, std::uint32_t rights, const Base& base, const Maker& maker) const;
  // The kernel's errors if the maker may not enter the folder of key, or not create entries in it.
  void need_way(const std::string& key, const Base& base, const Maker& maker) const;
  void need_right(const std::string& key, const Base& base, const Maker& maker, const std::string& doing) const;
  static void need_gift(const std::string& owner, const std::string& group, const Maker& maker,
                        const std::string& doing);
  void need_hand_over(const std::string& key, const FileStatus& now, const std::string& owner,
                      const std::string& group, std::optional<std::uint32_t> mode, const Base& base,
                      const std::string& path) const;
  bool stays_anothers(const std::string& key, const FileStatus& now, const WriteFile& action, const Base& base,
                      const Maker& maker) const;
  void write(const WriteFile& action, const Base& base, const Maker& maker, bool downloaded);
  // A new entry, owned as the kernel would set it.
  Entry fresh(const std::string& key, FileType type, const Base& base, const Maker& maker) const;
  static void hand_over(Entry& entry, const std::string& owner, const std::string& group, bool content);
  void put(const std::string& key, Entry entry);
  // As put, if no folder or link is added or removed.
  void set(const std::string& key, Entry entry);
  void note(const std::string& key);
  void restore(const std::string& k, const SavedPath& saved, const std::optional<std::string>& content,
               const Base& base, const Maker& maker);
  void remove_below(const std::string& key);

  std::map<std::string, Entry> entries_;
  // Keys with their previous entries; absent if nothing is recorded.
  std::optional<std::map<std::string, std::optional<Entry>>> replaced_;
  mutable std::map<std::string, std::string> folders_,
      strict_folders_;  // folders as given -> with links resolved
};

}  // namespace mlops
