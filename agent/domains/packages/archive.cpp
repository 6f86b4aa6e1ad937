#include "domains/packages/archive.hpp"

#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace mlops {
namespace {

// Takes the next word off the line; "" at its end.
std::string_view word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view found = line.substr(0, line.find(' '));
  line.remove_prefix(found.size());
  return found;
}

// "rwxr-sr-t", as ls(1) prints it.
std::uint32_t mode_of(std::string_view letters) {
  constexpr std::uint32_t special[] = {04000, 02000, 01000};
  std::uint32_t mode = 0;
  for (std::size_t i = 0; i < 9 && i < letters.size(); ++i) {
    const char c = letters[i];
    const bool runs = i % 3 == 2;
    if (runs && (c == 's' || c == 't' || c == 'S' || c == 'T')) mode |= special[i / 3];
    if (c != '-' && c != 'S' && c != 'T') mode |= 0400u >> i;
  }
  return mode;
}

// "./etc/docker/" -> "/etc/docker"; "" for the root itself.
std::string absolute(std::string_view name) {
  if (name.starts_with("./")) name.remove_prefix(1);
  while (name.ends_with('/')) name.remove_suffix(1);
  return name.starts_with('/') || name.empty() ? std::string(name) : "/" + std::string(name);
}

}  // namespace

// drwxr-xr-x root/root         0 2023-05-01 12:00 ./etc/docker/      lrwxrwxrwx … ./usr/bin/a -> b
std::vector<PackagedPath> parse_contents(std::string_view output) {
  std::vector<PackagedPath> paths;
  while (!output.empty()) {
    const auto end = std::min(output.find('\n'), output.size());
    std::string_view line = output.substr(0, end);
    output.remove_prefix(std::min(end + 1, output.size()));
    const std::string_view letters = word(line), owners = word(line), size = word(line), date = word(line),
                           time = word(line);
    if (letters.size() < 10 || date.empty() || time.empty() || line.size() < 2 || line.find('\\') != line.npos)
      continue;
    std::string_view name = line.substr(1);
    PackagedPath found;
    FileStatus& s = found.status;
    constexpr std::string_view points = " -> ", same = " link to ";
    switch (letters[0]) {
      case 'd':
        s.type = FileType::directory;
        break;
      case '-':
        break;
      case 'h':  // a hard link to an earlier file
        name = name.substr(0, name.find(same));
        break;
      case 'l': {
        s.type = FileType::symlink;
        const auto at = name.find(points);
        if (at == name.npos) continue;
        found.target = name.substr(at + points.size());
        name = name.substr(0, at);
        break;
      }
      default:
        continue;
    }
    const auto slash = owners.find('/');
    s.owner = owners.substr(0, slash);
    s.group = slash == owners.npos ? "" : owners.substr(slash + 1);
    s.mode = mode_of(letters.substr(1));
    std::from_chars(size.data(), size.data() + size.size(), s.size);
    found.path = absolute(name);
    if (!found.path.empty()) paths.push_back(std::move(found));
  }
  return paths;
}

std::string find_archive(const std::string& folder, const std::string& name, const std::string& version) {
  const auto colon = name.find(':');
  std::string prefix = name.substr(0, colon) + "_";
  for (const char c : version) prefix += c == ':' ? std::string("%3a") : std::string(1, c);
  prefix += '_';
  const std::string wanted = colon == name.npos ? "" : prefix + name.substr(colon + 1) + ".deb";
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), &::closedir);
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    const std::string_view file = entry->d_name;
    if (wanted.empty() ? file.starts_with(prefix) && file.ends_with(".deb") : file == wanted)
      return folder + "/" + entry->d_name;
  }
  return "";
}

}  // namespace mlops
