// How the reads of files are recorded in a plan.
#include <fmt/format.h>

#include "base/digest.hpp"
#include "domains/files/domain.hpp"

namespace mlops {
namespace {

std::string text_of(const FileView& view) {
  const FileStatus& s = view.status;
  if (s.type == FileType::symlink)
    return fmt::format("{} {} {} to {}", to_text(s.type), s.owner, s.group, view.target);
  return fmt::format("{} {:04o} {} {}", to_text(s.type), s.mode, s.owner, s.group);
}

}  // namespace

void note(const ViewFile& q, const ViewFile::Result& found, Preconditions& p) {
  p[q.path] = found ? text_of(*found) : "absent";
  if (found && found->content) p["content of " + q.path] = sha256_hex(*found->content);
}
void note(const ListFolder& q, const ListFolder::Result& found, Preconditions& p) {
  p["entries of " + q.path] = found ? fmt::format("{} with digest {}", found->size(),
                                                  sha256_hex(fmt::format("{}", fmt::join(*found, " "))))
                                    : "absent";
}
void note(const ResolvePath& q, const ResolvePath::Result& found, Preconditions& p) {
  if (found != q.path) p["way to " + q.path] = found.value_or("absent");
}
void note(const DigestFile& q, const DigestFile::Result& found, Preconditions& p) {
  p["content of " + q.path] = found.value_or("absent");
}
void note(const ReadGrants& q, const ReadGrants::Result& found, Preconditions& p) {
  p["access to " + q.path] =
      found ? fmt::format("capabilities {} and list {}", found->capabilities, fmt::join(found->acl, " "))
            : "absent";
}

}  // namespace mlops
