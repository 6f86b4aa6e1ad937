// Who acts on a machine.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

// A user of the machine, by name, as passwd has it ("root", "ubuntu"). Names compare.
struct Identity {
  std::string user;
  friend bool operator==(const Identity&, const Identity&) = default;
  friend auto operator<=>(const Identity&, const Identity&) = default;
};

// The person a run is for: the caller, or who called sudo (SUDO_USER, checked against passwd). All from passwd.
struct Person {
  std::string name, home, shell;
  std::uint32_t uid = 0, gid = 0;
};

}  // namespace mlops
