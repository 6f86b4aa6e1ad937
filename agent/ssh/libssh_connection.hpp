// A connection that stands, on libssh.
#pragma once

#include <memory>

#include "ssh/backend.hpp"
#include "ssh/connection.hpp"
#include "ssh/proxy_command.hpp"

namespace mlops {

// What carries a connection that does not go over TCP from here; ends after it.
struct SshWay {
  std::unique_ptr<Connection> jump;
  std::unique_ptr<ProxyCommand> command;
};

// Takes an authenticated session and starts to serve it. Error when no thread can be had.
std::unique_ptr<Connection> serve_ssh(const SshBackend& backend, SshOwned<mlops_ssh_session> session,
                                      SshWay way, SshSettings settings, std::chrono::milliseconds lost_after);

// Gives up what is the handle's own, for a callee that closes it.
int given_away(Handle handle);

// Both ends of a connected pair of stream sockets.
std::pair<Handle, Handle> socket_pair();

}  // namespace mlops
