#include "base/environment.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/trust.hpp"

namespace mlops {
namespace {

// As Debian's ENV_SUPATH in login.defs; having administration programs in PATH is harmless for a person too.
constexpr const char* standard_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* proxy_variables[] = {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
                                           "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"};
// The person's ssh agent, for git over ssh; no other user can use it.
constexpr const char* agent_variable = "SSH_AUTH_SOCK";

bool is_folder(const std::string& path) {
  struct stat s;
  return ::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

bool is_program(const std::string& path) {
  struct stat s;
  return ::stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

}  // namespace

std::map<std::string, std::string> child_environment(const Command& command, const ActingUser& who) {
  std::map<std::string, std::string> env = {{"HOME", who.home},      {"USER", who.name},
                                            {"LOGNAME", who.name},   {"SHELL", who.shell},
                                            {"PATH", standard_path}, {"LANG", "C.UTF-8"}};
  for (const char* name : proxy_variables)
    if (const char* value = std::getenv(name)) env[name] = value;
  if (const char* value = std::getenv(agent_variable); value && who.uid == ::geteuid())
    env[agent_variable] = value;
  for (const auto& [name, value] : command.env) env[name] = value;
  std::string folders;
  for (const std::string& folder : command.path)
    if (who.uid != 0 || !distrust_folder(folder)) folders += folder + ":";
  env["PATH"] = folders + env["PATH"];
  return env;
}

std::map<std::string, std::string> handed_over(bool same_user) {
  std::map<std::string, std::string> env;
  for (const char* name : proxy_variables)
    if (const char* value = std::getenv(name)) env[name] = value;
  if (const char* value = std::getenv(agent_variable); value && same_user) env[agent_variable] = value;
  return env;
}

std::string child_folder(const Command& command, const ActingUser& who) {
  if (!command.cwd.empty()) return command.cwd;
  return is_folder(who.home) ? who.home : "/";
}

std::vector<std::string> program_places(const std::string& name, const Command& command,
                                        const ActingUser& who) {
  const std::string folder = child_folder(command, who);
  if (name.empty()) return {};
  if (name.find('/') != std::string::npos) return {name.starts_with('/') ? name : joined(folder, name)};
  std::vector<std::string> places;
  const std::string path = child_environment(command, who).at("PATH");
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t to = std::min(path.find(':', from), path.size());
    // An empty part of PATH means the current folder (execvp(3)); a relative one is below it.
    const std::string part = path.substr(from, to - from);
    const std::string base = part.starts_with('/') ? part : part.empty() ? folder : joined(folder, part);
    places.push_back(joined(base, name));
    from = to + 1;
  }
  return places;
}

std::string find_program(const std::string& name, const Command& command, const ActingUser& who) {
  for (const std::string& place : program_places(name, command, who))
    if (is_program(place)) return place;
  return "";
}

}  // namespace mlops
