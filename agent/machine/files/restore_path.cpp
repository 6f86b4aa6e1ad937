// Putting back what was at a path, with all its attributes.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "machine/files/extended_attributes.hpp"
#include "machine/files/handle.hpp"
#include "machine/files/local_files.hpp"
#include "machine/files/staged_file.hpp"

namespace mlops {
namespace {

timespec time_of(std::int64_t ns) {
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t rest = ((ns % second) + second) % second;
  return {.tv_sec = (ns - rest) / second, .tv_nsec = rest};
}

}  // namespace

void FileWriter::perform(const RestorePath& action) {
  const SavedPath& saved = action.saved;
  const auto place = walker_.place(saved.path);
  if (!place) throw Error("the folder of " + saved.path + " does not exist");
  struct ::stat now {};
  const bool there = ::fstatat(place->folder, place->name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
  switch (saved.kind) {
    case SavedPath::Kind::file:
      if (!action.content) throw Error("the earlier content of " + saved.path + " was not kept");
      perform(WriteFile{saved.path, *action.content, saved.mode, saved.owner, saved.group, true});
      break;
    case SavedPath::Kind::folder:
      if (there && S_ISDIR(now.st_mode))
        perform(SetAttributes{saved.path, saved.mode, saved.owner, saved.group});
      else
        perform(CreateDirectory{saved.path, saved.mode, saved.owner, saved.group});
      break;
    case SavedPath::Kind::link:
      if (there && (S_ISLNK(now.st_mode) || S_ISREG(now.st_mode))) perform(RemovePath{saved.path});
      perform(CreateLink{saved.path, saved.target, saved.owner, saved.group});
      break;
    case SavedPath::Kind::absent:
    case SavedPath::Kind::other:
      throw Error(saved.path + " cannot be made what it was");
  }
  const Handle entry(::openat(place->folder, place->name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!entry) throw system_error("cannot open " + saved.path, errno);
  if (saved.kind != SavedPath::Kind::link) write_attributes(self_path(entry.get()), saved.attributes);
  const timespec times[2] = {time_of(saved.accessed_ns), time_of(saved.modified_ns)};
  if (::utimensat(place->folder, place->name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    throw system_error("cannot set the times of " + saved.path, errno);
}

}  // namespace mlops
