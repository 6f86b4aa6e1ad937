#include "domains/services/unit_files.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>

#include "domains/files/paths.hpp"

namespace mlops {
namespace {

using Dir = std::unique_ptr<DIR, int (*)(DIR*)>;

// The file itself, and its link target: either may be what was replaced.
std::int64_t changed(const std::string& path) {
  constexpr std::int64_t second = 1'000'000;
  std::int64_t newest = 0;
  for (const bool follow : {false, true}) {
    struct stat s {};
    if ((follow ? ::stat(path.c_str(), &s) : ::lstat(path.c_str(), &s)) != 0) continue;
    for (const timespec& time : {s.st_mtim, s.st_ctim})
      newest = std::max<std::int64_t>(newest, time.tv_sec * second + time.tv_nsec / 1000);
  }
  return newest;
}

// The names of drop-in folders without ".d": "a-b@c.service" -> itself, "a-b@.service", "a-.service",
// "service".
std::set<std::string> drop_in_names(const std::vector<std::string>& units) {
  std::set<std::string> names;
  for (const std::string& unit : units) {
    const auto dot = unit.rfind('.');
    if (dot == unit.npos) continue;
    const std::string suffix = unit.substr(dot);
    names.insert(unit);
    names.insert(suffix.substr(1));
    std::string stem = unit.substr(0, dot);
    if (const auto at = stem.find('@'); at != stem.npos) {
      names.insert(stem.substr(0, at + 1) + suffix);
      stem = stem.substr(0, at);
    }
    for (auto dash = stem.find('-'); dash != stem.npos; dash = stem.find('-', dash + 1))
      names.insert(stem.substr(0, dash + 1) + suffix);
  }
  return names;
}

}  // namespace

std::int64_t newest_unit_file(const std::vector<std::string>& folders, const std::vector<std::string>& names) {
  std::int64_t newest = 0;
  const std::set<std::string> drop_ins = drop_in_names(names);
  for (const std::string& folder : folders) {
    for (const std::string& name : names) newest = std::max(newest, changed(folder + "/" + name));
    for (const std::string& name : drop_ins) {
      const std::string below = folder + "/" + name + ".d";
      const Dir dir(::opendir(below.c_str()), &::closedir);
      if (!dir) continue;
      newest = std::max(newest, changed(below));
      while (const dirent* entry = ::readdir(dir.get()))
        if (std::string_view(entry->d_name).ends_with(".conf"))
          newest = std::max(newest, changed(below + "/" + entry->d_name));
    }
  }
  return newest;
}

bool is_unit_file(const std::string& path) {
  constexpr const char* folders[] = {"/etc/systemd", "/run/systemd", "/usr/lib/systemd", "/lib/systemd",
                                     "/usr/local/lib/systemd"};
  return std::any_of(std::begin(folders), std::end(folders),
                     [&](const char* folder) { return is_within(path, folder); });
}

std::string init_script(const std::string& root, const std::string& unit) {
  constexpr std::string_view suffix = ".service";
  if (!unit.ends_with(suffix)) return "";
  std::string name = unit.substr(0, unit.size() - suffix.size());
  struct stat s {};
  if (::stat((root + "/etc/init.d/" + name).c_str(), &s) != 0 || !S_ISREG(s.st_mode) || !(s.st_mode & 0111))
    return "";
  return name;
}

bool starts_at_boot(const std::string& root, const std::string& script) {
  for (const char* level : {"5", "S"}) {
    const Dir dir(::opendir((root + "/etc/rc" + level + ".d").c_str()), &::closedir);
    while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
      const std::string_view name = entry->d_name;  // "S01script"
      if (name.size() > 3 && name[0] == 'S' && name.substr(3) == script) return true;
    }
  }
  return false;
}

}  // namespace mlops
