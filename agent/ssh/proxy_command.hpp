// A person's ProxyCommand (ssh_config(5)): a program whose standard input and output are connected to a host.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/handle.hpp"

namespace mlops {

// Runs in a session of its own, so that it gets neither Ctrl-C nor the terminal; with the person's whole
// environment. Ends with this object.
class ProxyCommand {
 public:
  // Through the person's shell, as ssh does. Error if it cannot be started.
  explicit ProxyCommand(const std::string& command);
  ~ProxyCommand();
  ProxyCommand(const ProxyCommand&) = delete;
  ProxyCommand& operator=(const ProxyCommand&) = delete;

  // The socket connected to its standard input and output. May be taken once.
  Handle take_socket() { return std::move(socket_); }
  // The last line that it wrote to stderr; "" for none.
  std::string complaint() const;

 private:
  Handle socket_, errors_;
  pid_t pid_ = -1;
};

}  // namespace mlops
