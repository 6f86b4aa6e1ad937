// The name of a host as given by a person.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mlops {

struct SshDestination {
  std::string user;  // "": not given
  std::string host;
  std::optional<std::uint16_t> port;
};

// `alias`, `user@host`, `user@host:port`, `host:port`, `[v6]:port`, `v6`, `ssh://user@host:port`. Error if it
// is none of these, or a check below fails.
SshDestination ssh_destination(const std::string& name);

// A name may end up in a ProxyCommand's shell, or among ssh's arguments: Error if it contains what ssh forbids
// there since 9.6 (ssh.c: valid_hostname, valid_ruser). name: as given, for the message.
void check_host_name(const std::string& name, const std::string& host);
void check_user_name(const std::string& name, const std::string& user);

}  // namespace mlops
