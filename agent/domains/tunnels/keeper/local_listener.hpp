// A tunnel's listeners on this machine, and connections to this machine's endpoints.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/handle.hpp"
#include "model/endpoint.hpp"

namespace mlops {

// Listening sockets at an endpoint: one, or for `localhost` those of 127.0.0.1 and, if there is IPv6, ::1. A
// Unix socket has mode 0600, and its file is removed when this is destroyed; a stale one, whose process has
// ended, is replaced.
class LocalListener {
 public:
  // Error with the current listener if the address is in use; Error if it is not an address of this machine.
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

// A socket connected to an endpoint from here. Error with the reason, within that time. Error cancelled.
Handle connect_here(const Endpoint& target, std::chrono::milliseconds patience,
                    const Cancellation& cancellation);

// A socket that will connect to a listener of this process, and its address as seen by the other end
// (peer_mark()): so its connection is recognized when it is accepted.
struct MarkedSocket {
  Handle socket;
  std::string mark;
};
MarkedSocket marked_socket(const Endpoint& listen);
// Connects it; false if that is refused. Does not wait until it is accepted.
bool connect_marked(const MarkedSocket& marked, const Endpoint& listen);
// The mark of an accepted connection's other end; "" if it has none.
std::string peer_mark(int socket);

}  // namespace mlops
