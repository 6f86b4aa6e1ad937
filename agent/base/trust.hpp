// Decides whether root can trust a path, or others could change it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/handle.hpp"

namespace mlops {

// Why someone other than root and the caller could change what is at the path, or replace it: the
// first untrusted component, and the problem with it ("/srv is writable by everyone (mode 0777)"). Absent if
// nobody could. Judged as sudo and ssh do, step by step, following links:
// - every component belongs to root or the caller;
// - no one else may write to it: neither others, nor a group except root's and the caller's private one (of the
//   caller's name, the caller its only member), nor anyone named in an access list;
// - but a sticky folder, such as /tmp, may be writable: entries of root and the caller stay theirs there.
// Of a path that does not exist, the existing part is judged. Relative paths are below the working folder.
std::optional<std::string> distrust(const std::string& path, uid_t caller);

// The same for a folder in which root searches for programs or lets them work: only root is trusted, and no one
// else may create entries in the folder itself, or in the last existing one on the path to it, sticky or not.
std::optional<std::string> distrust_folder(const std::string& path);

// The file that a path leads to, open and judged: each component is opened below the one before it and judged
// by its descriptor, so that nobody can replace a judged file before it is read.
struct JudgedFile {
  Handle entry;       // O_PATH, and owned; none if the path leads to nothing that can be opened
  int error = 0;      // then why, an errno value
  std::string wrong;  // why it is not trusted, as distrust says it; "": it is
};
JudgedFile open_judged(const std::string& path, uid_t caller);
// The same without judging: wrong is "".
JudgedFile open_unjudged(const std::string& path);
// Opens the entry's file for reading; a named pipe without waiting for its writer. No handle, with errno, on
// failure.
Handle open_for_reading(const JudgedFile& file);

}  // namespace mlops
