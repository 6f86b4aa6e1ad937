// The name of a host as a person gives it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mlops {

struct SshDestination {
  std::string user;  // "": not said
  std::string host;
  std::optional<std::uint16_t> port;
};

// `alias`, `user@host`, `user@host:port`, `host:port`, `[v6]:port`, `v6`, `ssh://user@host:port`. Error where
// it is none of these, or a check below fails.
SshDestination ssh_destination(const std::string& name);

// A name may end in a ProxyCommand's shell, or among ssh's arguments: Error when it holds what ssh forbids
// there since 9.6 (ssh.c: valid_hostname, valid_ruser). name: what the person gave, for the message.
void check_host_name(const std::string& name, const std::string& host);
void check_user_name(const std::string& name, const std::string& user);

}  // namespace mlops
