// Where a tunnel takes connections on this machine, and how one of this machine's endpoints is reached.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/handle.hpp"
#include "model/endpoint.hpp"

namespace mlops {

// Listening sockets at an endpoint: one, or for `localhost` those of 127.0.0.1 and, where there is IPv6, ::1. A Unix
// socket has mode 0600, and its file goes when this is destroyed; one that is left over from a process that has ended
// is replaced.
class LocalListener {
 public:
  // Error with who listens there when the place is taken; Error when it is no address of this machine.
  explicit LocalListener(const Endpoint& place);
  ~LocalListener();
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;

  const std::vector<Handle>& sockets() const { return sockets_; }

 private:
  void listen_on_path();
  void listen_on_port(const std::string& address, bool must);
  Endpoint place_;
  std::vector<Handle> sockets_;
  dev_t device_ = 0;  // of the Unix socket's file
  ino_t inode_ = 0;
};

// A socket connected to an endpoint as seen from here. Error with why not, in that time. Error cancelled.
Handle connect_here(const Endpoint& target, std::chrono::milliseconds patience, const Cancellation& cancellation);

// A socket that will connect to a place where this process listens, and what its other end will see of it
// (peer_mark()): so its connection is known when it is taken.
struct MarkedSocket {
  Handle socket;
  std::string mark;
};
MarkedSocket marked_socket(const Endpoint& listen);
// Connects it; false when that is refused. Does not wait to be taken.
bool connect_marked(const MarkedSocket& marked, const Endpoint& listen);
// The mark of an accepted connection's other end; "" when it has none.
std::string peer_mark(int socket);

}  // namespace mlops
