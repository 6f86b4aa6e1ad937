// Files as they would be: what was done to the overlay over what is on the real machine.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "machine/files/file_reader.hpp"
#include "model/action.hpp"

namespace mlops {

// The what-if tree, shared by all identities. The real files are passed to each call: they differ in what they
// may read. Keys are paths with the real machine's links replaced, so that two names of one file are one entry.
class OverlayFiles {
 public:
  // Whose action it is: new entries belong to it where no owner is asked for.
  struct Maker {
    std::string user, group, label;
  };

  // What readers answer; see FileReader. Unknown for what a program will have made, which names its label.
  std::optional<FileView> view(const FileReader& base, const std::string& path, std::uint64_t limit) const;
  std::optional<std::vector<std::string>> list(const FileReader& base, const std::string& path) const;
  std::optional<std::string> resolve(const FileReader& base, const std::string& path) const;
  std::optional<std::string> sha256(const FileReader& base, const std::string& path) const;
  std::optional<Grants> grants(const FileReader& base, const std::string& path) const;
  // Whether the overlay has something of its own at the path.
  bool touched(const FileReader& base, const std::string& path) const;

  // Errors are those that the real machine would give: a missing folder, a folder in the place of a file.
  void apply(const WriteFile& action, const FileReader& base, const Maker& maker);
  void apply(const CreateSecret& action, const FileReader& base, const Maker& maker);
  void apply(const CreateDirectory& action, const FileReader& base, const Maker& maker);
  void apply(const CreateLink& action, const FileReader& base, const Maker& maker);
  void apply(const SetAttributes& action, const FileReader& base, const Maker& maker);
  void apply(const RemovePath& action, const FileReader& base, const Maker& maker);
  void apply(const RenamePath& action, const FileReader& base, const Maker& maker);
  void apply(const RestorePath& action, const FileReader& base, const Maker& maker);
  void apply(const Download& action, const FileReader& base, const Maker& maker);
  // A program will have made it: it exists, as a folder or a file, and what is in it is not known.
  void assume_made(const std::string& path, const FileReader& base, const Maker& maker);

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
  enum class Last { itself, followed };
  // The path with its links replaced, in thought and in reality; what does not exist stands as it is. Absent
  // when links go round.
  std::optional<std::string> walk(const FileReader& base, const std::string& path, Last last) const;
  std::string key(const FileReader& base, const std::string& path) const;
  std::string followed(const FileReader& base, const std::string& path) const;
  const Entry* find(const std::string& key) const;
  // Where the real machine has what is at the key; absent where nothing real is to be seen. Unknown below what
  // a program will have made.
  std::optional<std::string> real_path(const std::string& key) const;
  // Whether a program will have made what is at the key, or a folder above it.
  bool not_foreseen(const std::string& key) const;
  // What is at a key; links on the way are replaced already.
  std::optional<FileView> look(const FileReader& base, const std::string& key, std::uint64_t limit) const;
  Grants grants_at(const FileReader& base, const std::string& key) const;
  // … or may be one.
  bool is_folder(const FileReader& base, const std::string& key) const;
  void need_folder(const std::string& key, const FileReader& base, const std::string& path) const;
  // A new entry, owned as the kernel would have it.
  Entry fresh(const std::string& key, FileType type, const FileReader& base, const Maker& maker) const;
  static void hand_over(Entry& entry, const std::string& owner, const std::string& group, bool content);
  void put(const std::string& key, Entry entry);
  void restore(const SavedPath& saved, const std::optional<std::string>& content, const FileReader& base,
               const Maker& maker);
  void remove_below(const std::string& key);

  std::map<std::string, Entry> entries_;
  mutable std::map<std::string, std::string> folders_;  // folders as asked -> with links replaced
};

}  // namespace mlops
