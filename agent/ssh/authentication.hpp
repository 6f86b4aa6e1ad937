// Authenticates: offers keys, agents and passwords to a host in the order of ssh(1).
#pragma once

#include "ssh/backend.hpp"
#include "ssh/connection.hpp"
#include "ssh/deadline.hpp"

namespace mlops {

// Returns once the host accepts the login. Error privilege that names all attempts, and the host's methods;
// Error unavailable if the connection broke or the deadline passed; Error cancelled. The time that people take
// to answer does not count towards the deadline.
void authenticate(const SshBackend& backend, mlops_ssh_session* session, const SshSettings& settings,
                  const ConnectOptions& options, Deadline& deadline, const Cancellation& cancellation);

}  // namespace mlops
