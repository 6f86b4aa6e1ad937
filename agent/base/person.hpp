// The users that this process runs for and as.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

// A user of the machine, by name, as in passwd ("root", "ubuntu"). Names are compared.
struct Identity {
  std::string user;
  friend bool operator==(const Identity&, const Identity&) = default;
  friend auto operator<=>(const Identity&, const Identity&) = default;
};

// The person that a run is for: the caller, or the user who called sudo (SUDO_USER, checked against passwd).
// Everything from passwd.
struct Person {
  std::string name, home, shell;
  std::uint32_t uid = 0, gid = 0;
};

// The caller, or, if root was reached through sudo, the user that SUDO_USER names (checked: passwd must have it
// with the uid of SUDO_UID; otherwise root). Everything from passwd, nothing from the environment. Error
// unavailable if the caller's uid has no account.
Person current_person();
// The account that this process runs as (its effective uid).
Person effective_person();

}  // namespace mlops
