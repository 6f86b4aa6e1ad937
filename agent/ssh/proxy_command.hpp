// A person's ProxyCommand (ssh_config(5)): a program whose standard input and output lead to a host.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/handle.hpp"

namespace mlops {

// Runs in a session of its own, so that neither Ctrl-C nor a question of it reaches past us; with the person's
// whole environment. Ends with this.
class ProxyCommand {
 public:
  // Through the person's shell, as ssh does. Error when it cannot be started.
  explicit ProxyCommand(const std::string& command);
  ~ProxyCommand();
  ProxyCommand(const ProxyCommand&) = delete;
  ProxyCommand& operator=(const ProxyCommand&) = delete;

  // The socket that it reads and writes at the other end. To be taken once.
  Handle take_socket() { return std::move(socket_); }
  // What it last said on stderr; "" for nothing.
  std::string complaint() const;

 private:
  Handle socket_, errors_;
  pid_t pid_ = -1;
};

}  // namespace mlops
