// Files as they would be: what was done to the overlay over what is on the real machine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domains/action.hpp"
#include "domains/files/reader.hpp"
#include "domains/packages/reader.hpp"

namespace mlops {

// The what-if tree, shared by all identities. The real files are passed to each call: they differ in what they
// may read. Keys are paths with the real machine's links replaced, so that two names of one file are one entry.
class OverlayFiles {
 public:
  // The real files as who acts reads them. strict: who acts is root, and steps are judged as Walker judges
  // them; person is the one that may own what lies in folders that everyone may write to.
  struct Base {
    Base(const FileReader& real, bool judged = false,
         std::string for_whom = "")  // NOLINT: a reader alone is one
        : files(real), strict(judged), person(std::move(for_whom)) {}
    const FileReader& files;
    bool strict;
    std::string person;
  };
  // Whose action it is: new entries belong to it where no owner is asked for.
  struct Maker {
    std::string user, group, label;
    bool bound = false;                    // to the rights that modes give: everybody but root is
    std::vector<std::string> groups = {};  // beside group
    // Called with the owner and the group that are asked for, "" for none. Throws where there is no such
    // account.
    std::function<void(const std::string&, const std::string&)> need_accounts = {};
  };

  // What readers answer; see FileReader. Unknown for what a program will have made, which names its label.
  std::optional<FileView> view(const Base& base, const std::string& path, std::uint64_t limit) const;
  std::optional<std::vector<std::string>> list(const Base& base, const std::string& path) const;
  std::optional<std::string> resolve(const Base& base, const std::string& path) const;
  std::optional<std::string> sha256(const Base& base, const std::string& path) const;
  std::optional<Grants> grants(const Base& base, const std::string& path) const;
  // Whether the overlay has something of its own at the path.
  bool touched(const Base& base, const std::string& path) const;

  // Errors are those that the real machine would give: a missing folder, a folder in the place of a file.
  void apply(const WriteFile& action, const Base& base, const Maker& maker);
  void apply(const CreateSecret& action, const Base& base, const Maker& maker);
  void apply(const CreateDirectory& action, const Base& base, const Maker& maker);
  void apply(const CreateLink& action, const Base& base, const Maker& maker);
  void apply(const SetAttributes& action, const Base& base, const Maker& maker);
  void apply(const RemovePath& action, const Base& base, const Maker& maker);
  void apply(const RenamePath& action, const Base& base, const Maker& maker);
  void apply(const RestorePath& action, const Base& base, const Maker& maker);
  void apply(const Download& action, const Base& base, const Maker& maker);
  // A package will have put it there, unless something is there already, or its folder was removed. Its content is not
  // known. False where nothing was put.
  bool bring(const PackagedPath& packaged, const Base& base, const std::string& label);
  // A program will have made it: it exists, as a folder or a file, and what is in it is not known.
  void assume_made(const std::string& path, const Base& base, const Maker& maker);

  // From begin to commit or go_back what is performed is noted, and go_back undoes it. Not for nesting.
  void begin() { replaced_.emplace(); }
  void commit() { replaced_.reset(); }
  void go_back();

 private:
  struct Entry {
    enum class Kind {
      absent,  // removed
      made,    // known; what is really at `shows` shows through where that is not empty
      opaque,  // made by a program
    };
    Kind kind = Kind::made;
    FileView view;
    std::optional<std::string> digest;  // of content that is not held
    std::string label;
    std::string shows;  // the real path whose content this has, itself or one that was renamed
    std::optional<Grants> grants;  // of what is made; absent: those of what it shows
  };
  enum class Last { itself, followed, entered };  // entered: a folder, to go on from
  // What the next step of a walk comes from: a folder, or the link that led here.
  struct From {
    std::string owner = "root", what = "/";
    std::uint32_t mode = 0755;
  };
  // The path with its links replaced, in thought and in reality; what does not exist stands as it is. Absent
  // when links go round.
  std::optional<std::string> walk(const Base& base, const std::string& path, Last last) const;
  std::string key(const Base& base, const std::string& path) const;
  std::string followed(const Base& base, const std::string& path) const;
  const Entry* find(const std::string& key) const;
  // Where the real machine has what is at the key; absent where nothing real is to be seen. Unknown below what
  // a program will have made.
  std::optional<std::string> real_path(const std::string& key) const;
  // Whether a program will have made what is at the key, or a folder above it.
  bool not_foreseen(const std::string& key) const;
  // What is at a key; links on the way are replaced already.
  std::optional<FileView> look(const Base& base, const std::string& key, std::uint64_t limit) const;
  Grants grants_at(const Base& base, const std::string& key) const;
  // … or may be one.
  bool is_folder(const Base& base, const std::string& key) const;
  // doing: what is said of a name that is too long.
  void need_folder(const std::string& key, const Base& base, const std::string& path,
                   const std::string& doing) const;
  static void check(const From& from, const FileStatus& to, const std::string& path, const Base& base);
  // Whether modes let the maker do that (a mask of 4, 2 and 1) with what is at the key.
  bool may(const std::string& key, std::uint32_t rights, const Base& base, const Maker& maker) const;
  // Errors of the kernel where the maker may not go to the folder of key, or not put something there.
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
  // A new entry, owned as the kernel would have it.
  Entry fresh(const std::string& key, FileType type, const Base& base, const Maker& maker) const;
  static void hand_over(Entry& entry, const std::string& owner, const std::string& group, bool content);
  void put(const std::string& key, Entry entry);
  // As put, where no folder or link comes or goes.
  void set(const std::string& key, Entry entry);
  void note(const std::string& key);
  void restore(const std::string& k, const SavedPath& saved, const std::optional<std::string>& content, const Base& base,
               const Maker& maker);
  void remove_below(const std::string& key);

  std::map<std::string, Entry> entries_;
  // Keys, each with what it had before; absent where nothing is noted.
  std::optional<std::map<std::string, std::optional<Entry>>> replaced_;
  mutable std::map<std::string, std::string> folders_,
      strict_folders_;  // folders as asked -> with links replaced
};

}  // namespace mlops
