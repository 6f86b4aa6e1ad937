// The unit of systemd's user manager that starts a tunnel when its user logs in.
#pragma once

#include <string>
#include <vector>

#include "base/process.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace mlops {

// ~/.config/systemd/user/mlops-agent-tunnel-NAME.service (systemd.unit(5), user unit search path;
// XDG_CONFIG_HOME is honoured for the caller's own) with the link in default.target.wants that enables it.
// Files only: systemd reads them at the next login.
class LoginUnit {
 public:
  LoginUnit(const ActingUser& who, const TunnelFolder& folder, const std::string& name);

  // Whether it exists, is enabled, and equals what write() would create.
  bool is_right() const;
  // Error if this program is a copy that a controller sent, which may be removed again.
  void write() const;
  void remove() const;  // absent is success

  const std::string& path() const { return path_; }

 private:
  std::string text() const;
  std::vector<std::string> command_;
  std::string name_, folder_, path_, link_;
};

// A word of ExecStart=, escaped so that systemd takes it literally (systemd.service(5), "Command lines").
std::string unit_word(const std::string& word);

}  // namespace mlops
