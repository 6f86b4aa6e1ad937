// An established connection, using libssh.
#pragma once

#include <memory>

#include "ssh/backend.hpp"
#include "ssh/connection.hpp"
#include "ssh/proxy_command.hpp"

namespace mlops {

// Carries a connection that does not use TCP from here; ends after it.
struct SshWay {
  std::unique_ptr<Connection> jump;
  std::unique_ptr<ProxyCommand> command;
};

// Takes an authenticated session and starts to serve it. Error if no thread can be started.
std::unique_ptr<Connection> serve_ssh(const SshBackend& backend, SshOwned<mlops_ssh_session> session,
                                      SshWay way, SshSettings settings, std::chrono::milliseconds lost_after);

// Releases the descriptor, for a callee that closes it.
int given_away(Handle handle);

// Both ends of a connected pair of stream sockets.
std::pair<Handle, Handle> socket_pair();

}  // namespace mlops
