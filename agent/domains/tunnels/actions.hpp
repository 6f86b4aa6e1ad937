// What can be done to tunnels, as plain values.
#pragma once

#include <array>
#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"
#include "model/endpoint.hpp"

namespace mlops {

// Forwards connections through a host reached by ssh.
//   local    accepted at `listen` here, forwarded to `target` as the host sees it
//   remote   accepted at `listen` on the host, forwarded to `target` as seen from here
//   dynamic  accepted at `listen` here by SOCKS (4, 4a, 5), which names the targets; `target` is empty
struct Tunnel {
  enum class Direction { local, remote, dynamic };
  friend constexpr auto enumerators(Direction) { return std::array{"local", "remote", "dynamic"}; }
  std::string name;  // 1 to 64 of letters, digits, '.', '_' and '-'; begins with a letter or digit
  Direction direction = Direction::local;
  std::string via;  // in the format of --host
  Endpoint listen, target;
  bool at_login = false;   // also started when the person logs in, by a unit of systemd's user manager
  std::string ssh_config;  // the file in which `via` is looked up; "": ~/.ssh/config
  static constexpr auto fields() {
    return std::tuple(field("name", &Tunnel::name), field("direction", &Tunnel::direction),
                      field("via", &Tunnel::via), field("listen", &Tunnel::listen),
                      field("target", &Tunnel::target), field("at_login", &Tunnel::at_login),
                      field("ssh_config", &Tunnel::ssh_config));
  }
  friend bool operator==(const Tunnel&, const Tunnel&) = default;
};
// Establishes the tunnel as described: a detached process of this program keeps it. An existing process of the
// name that has other settings, or does not answer, is replaced; a correct one is asked to try its host now.
// Returns once the host was tried. A host that cannot be reached now is no Error; one that does not allow an
// unattended login is: then a new tunnel is removed again.
struct StartTunnel {
  static constexpr ActionTraits traits{"start_tunnel",        Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  Tunnel tunnel;
  static constexpr auto fields() { return std::tuple(field("tunnel", &StartTunnel::tunnel)); }
  friend bool operator==(const StartTunnel&, const StartTunnel&) = default;
};
// Stops it, with the connections through it, and deletes its record. Absent is success.
struct StopTunnel {
  static constexpr ActionTraits traits{"stop_tunnel",         Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string name;
  static constexpr auto fields() { return std::tuple(field("name", &StopTunnel::name)); }
  friend bool operator==(const StopTunnel&, const StopTunnel&) = default;
};

using TunnelActions = TypeList<StartTunnel, StopTunnel>;

}  // namespace mlops
