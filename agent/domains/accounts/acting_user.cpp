#include "domains/accounts/acting_user.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/error.hpp"
#include "domains/accounts/local.hpp"

namespace mlops {

ActingUser acting_user(const std::string& name) {
  const auto account = LocalAccounts().user(name);
  if (!account) throw Error("user `" + name + "` does not exist", ErrorKind::unavailable);
  const auto group = LocalAccounts().group(account->group);
  return {account->name, account->home, account->shell, account->uid.value_or(0),
          group ? group->gid.value_or(0) : 0};
}

std::string cache_folder(const ActingUser& who) {
  if (who.uid == 0) return "/var/cache/mlops-agent";
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg && xdg[0] == '/' && who.uid == ::getuid()) return std::string(xdg) + "/mlops-agent";
  return who.home + "/.cache/mlops-agent";
}

std::string own_state_home(const ActingUser& who) {
  const char* xdg = std::getenv("XDG_STATE_HOME");
  const bool own = who.uid == ::getuid() && !(who.uid == 0 && std::getenv("SUDO_UID"));
  return (xdg && xdg[0] == '/' && own ? xdg : who.home + "/.local/state") + "/mlops-agent";
}

}  // namespace mlops
