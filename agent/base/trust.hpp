// Whether what root is about to follow is in nobody else's hands.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/handle.hpp"

namespace mlops {

// Why somebody beside root and the caller could change what is at the path, or put something else in its place: the
// first thing on the way to it, and what is wrong with it ("/srv is writable by everyone (mode 0777)"). Absent when
// nobody could. As sudo and ssh judge it, step by step, links followed:
// - everything on the way belongs to root or the caller;
// - nobody else may write to it: neither others, nor a group but root's and the caller's private one (of the caller's
//   name, the caller its only member), nor anybody whom an access list names;
// - but a folder that is sticky, as /tmp is, may be writable: what belongs to root and the caller stays theirs there.
// A path that is not there is judged as far as it is. Relative paths are below the working folder.
std::optional<std::string> distrust(const std::string& path, uid_t caller);

// The same of a folder in which root is to find programs or let them work: root alone counts, and nobody else may make
// entries in the folder itself, or in the last that is there on the way to it, sticky or not.
std::optional<std::string> distrust_folder(const std::string& path);

// What a path leads to, open and judged: each step is opened below the one before it and judged by its
// descriptor, so that nobody can exchange what is judged for something else before it is read.
struct JudgedFile {
  Handle entry;       // O_PATH, and owned; none where the path leads to nothing that can be opened
  int error = 0;      // then why, an errno value
  std::string wrong;  // why it is not to be followed, as distrust says it; "": it may be
};
JudgedFile open_judged(const std::string& path, uid_t caller);
// The same without judging: wrong is "".
JudgedFile open_unjudged(const std::string& path);
// Opens what the entry stands for, for reading; a named pipe without waiting for its writer. No handle, with
// errno, where that fails.
Handle open_for_reading(const JudgedFile& file);

}  // namespace mlops
