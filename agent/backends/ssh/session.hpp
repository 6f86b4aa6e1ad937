// A session of the ssh backend, from its socket to its service, and waiting for its host.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backends/ssh/service.hpp"
#include "backends/ssh_api.hpp"
#include "base/handle.hpp"

struct mlops_ssh_session {
  // For waiting; libssh has a duplicate, which it closes after some errors and leaves open after others.
  mlops::Handle socket;
  ssh_session_struct* session = nullptr;
  std::string host_key_type, host_key, banner;
  std::unique_ptr<mlops::ssh::Service> service;

  ~mlops_ssh_session();
};

namespace mlops::ssh {

// Text from a host must not move the terminal's cursor: control characters become blanks.
void copy_words(char* to, std::size_t size, const std::string& words);
void say(mlops_ssh_result& result, mlops_ssh_outcome outcome, const std::string& message);

bool is_lost(ssh_session_struct* session);

// Repeats a libssh call while it says that it must be repeated, waiting for the socket in between; only that
// counts against patience. False on a timeout or a cancellation: the result says so. A lost connection ends it
// too: libssh would return SSH_AGAIN for ever.
bool repeat(mlops_ssh_session& s, const mlops_ssh_patience& patience, mlops_ssh_result& result,
            const std::function<bool()>& again);

// Key exchange over the session's socket. The result says how it ended.
void shake_hands(mlops_ssh_session& s, const char* user, const mlops_ssh_algorithms& algorithms,
                 const mlops_ssh_patience& patience, mlops_ssh_result& result);

}  // namespace mlops::ssh
