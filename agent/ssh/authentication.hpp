// Getting in: the keys, agents and passwords that a host is offered, in the order of ssh(1).
#pragma once

#include "ssh/backend.hpp"
#include "ssh/connection.hpp"
#include "ssh/deadline.hpp"

namespace mlops {

// Until the host lets in. Error privilege that names all that was tried, and what the host would take; Error
// unavailable when the connection broke or the deadline passed; Error cancelled. What people take to answer
// does not count for the deadline.
void authenticate(const SshBackend& backend, mlops_ssh_session* session, const SshSettings& settings,
                  const ConnectOptions& options, Deadline& deadline, const Cancellation& cancellation);

}  // namespace mlops
