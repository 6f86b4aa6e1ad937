// The target's side of a run: this program on a host, started through a connection.
#pragma once

namespace mlops {

// Processes requests from stdin (hosts/protocol.hpp) and answers on stdout until the end of input, or an
// invalid message. When the other end is gone or silent, running work ends as on a signal: a file write
// completes, dpkg finishes, a command is terminated. Returns the exit status.
int serve_run();

}  // namespace mlops
