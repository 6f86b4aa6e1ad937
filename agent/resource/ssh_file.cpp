#include "resource/ssh_file.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "domains/files/paths.hpp"

namespace mlops {

SshFile read_ssh_file(const FileReader& files, const std::string& path) {
  const auto status_of = [&](const std::string& at) { return files.status(files.resolve(at).value_or(at)); };
  SshFile file{.path = path, .text = files.read(path)};
  if (file.text) {
    file.mode = status_of(path).value_or(FileStatus{}).mode;
    return file;
  }
  const std::string folder(folder_of(path)), above(folder_of(folder));
  const auto at = status_of(folder);
  file.has_folder = at.has_value();
  const auto home = at ? at : status_of(above);
  if (home)
    file.owner = home->owner, file.group = home->group;
  else
    file.missing = above;
  return file;
}

void write_ssh_file(const SshFile& file, std::string text, Diff& diff) {
  WriteFile write{.path = file.path, .content = std::move(text)};
  if (!file.text) {
    if (!file.missing.empty())
      throw Error(fmt::format("{} does not exist, so {} cannot be made", file.missing, file.path));
    if (!file.has_folder)
      diff.actions.push_back(CreateDirectory{std::string(folder_of(file.path)), 0700, file.owner, file.group});
    write.mode = 0600, write.owner = file.owner, write.group = file.group;
  }
  diff.actions.push_back(std::move(write));
}

}  // namespace mlops
