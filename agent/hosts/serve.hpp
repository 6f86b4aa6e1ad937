// The far end of a run: this program on a host, started through a connection.
#pragma once

namespace mlops {

// Works off what comes on stdin (hosts/protocol.hpp) and answers on stdout until the end of input, or until what is
// no message of the protocol. When the other end is gone or silent, what runs then ends as on a signal: a file is
// written whole, dpkg finishes, a command is ended. Returns the exit status.
int serve_run();

}  // namespace mlops
