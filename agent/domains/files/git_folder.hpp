// The state of a git work tree, read from the files of its .git folder (gitrepository-layout(5)) without
// starting git.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "domains/files/reader.hpp"

namespace mlops {

class GitFolder {
 public:
  // Of the work tree; absent if there is no .git in it that could be a repository. .git may also be a file that
  // names the folder (a worktree's, a submodule's). files must outlive this.
  static std::optional<GitFolder> open(const FileReader& files, const std::string& work_tree);

  // False: it uses features that only git can read (refs that are not files, a configuration that includes
  // another). Then the members below may be incomplete.
  bool readable() const { return readable_; }

  const std::string& branch() const { return branch_; }  // "main"; "" for a detached HEAD
  const std::string& head() const { return head_; }      // the commit's id; "" before the first commit
  // The last value of "section.key" or "section.subsection.key"; section and key in lower case.
  std::optional<std::string> config(const std::string& name) const;
  // The object that a full name ("refs/heads/main") points to.
  std::optional<std::string> ref(const std::string& name) const;
  // The commit that a tag refers to; absent if there is no such tag or its object would have to be read.
  std::optional<std::string> tag_commit(const std::string& tag) const;

 private:
  explicit GitFolder(const FileReader& files) : files_(&files) {}
  void read_config(const std::string& text);
  void read_packed_refs(const std::string& text);
  void read_head();

  struct PackedRef {
    std::string id, peeled;
  };
  const FileReader* files_;
  std::string folder_, common_;  // a worktree's own folder, and that of the repository
  bool readable_ = true, fully_peeled_ = false;
  std::string branch_, head_;
  std::map<std::string, std::string> config_;
  std::map<std::string, PackedRef> packed_;
};

// git-config(1)'s syntax, as "section.subsection.key" -> last value. Section and key are in lower case.
std::map<std::string, std::string> parse_git_config(const std::string& text);

// Whether it is 40 (SHA-1) or 64 (SHA-256) hex digits in lower case.
bool is_object_id(const std::string& text);

}  // namespace mlops
