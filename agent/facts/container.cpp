#include <unistd.h>

#include <utility>

#include "facts/groups.hpp"

namespace mlops::facts {
namespace {

// container=… in the environment of PID 1, which only root may read (systemd's container interface).
std::string from_first_process(const std::string& root) {
  const std::string environment = content_of(root + "/proc/1/environ");
  for (std::size_t from = 0; from < environment.size();) {
    const std::size_t end = std::min(environment.find('\0', from), environment.size());
    const std::string variable = environment.substr(from, end - from);
    if (variable.starts_with("container=")) return variable.substr(10);
    from = end + 1;
  }
  return "";
}

std::string from_control_groups(const std::string& root) {
  const std::string groups = content_of(root + "/proc/1/cgroup");
  const std::pair<const char*, const char*> marks[] = {{"/docker", "docker"},
                                                       {"/kubepods", "kubernetes"},
                                                       {"/libpod-", "podman"},
                                                       {"/lxc", "lxc"},
                                                       {"/machine.slice/libpod", "podman"}};
  for (const auto& [mark, name] : marks)
    if (groups.find(mark) != std::string::npos) return name;
  return "";
}

}  // namespace

Value container(const std::string& root) {
  const auto exists = [&](const char* path) { return ::access((root + path).c_str(), F_OK) == 0; };
  std::string name = content_of(root + "/run/systemd/container");  // written by systemd as PID 1
  while (name.ends_with('\n')) name.pop_back();
  if (name.empty()) name = from_first_process(root);
  if (!name.empty()) return name;
  if (exists("/run/.containerenv")) return "podman";
  if (exists("/.dockerenv")) return "docker";
  if (exists("/dev/lxd/sock")) return "lxc";
  name = from_control_groups(root);
  if (!name.empty()) return name;
  const std::string release = content_of(root + "/proc/sys/kernel/osrelease");
  return release.find("icrosoft") != std::string::npos ? Value("wsl") : Value();
}

}  // namespace mlops::facts
