// The unit of systemd's user manager that starts a tunnel when its person logs in.
#pragma once

#include <string>
#include <vector>

#include "base/process.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace mlops {

// ~/.config/systemd/user/mlops-agent-tunnel-NAME.service (systemd.unit(5), user unit search path; XDG_CONFIG_HOME is
// honoured for the caller's own) with the link in default.target.wants that enables it. Files alone: systemd reads them
// at the next log-in.
class LoginUnit {
 public:
  LoginUnit(const ActingUser& who, const TunnelFolder& folder, const std::string& name);

  // Whether it is there, enabled, and as write() would make it.
  bool is_right() const;
  // Error where this program is a copy that another machine sent, which may be removed again.
  void write() const;
  void remove() const;  // absent is success

  const std::string& path() const { return path_; }

 private:
  std::string text() const;
  std::vector<std::string> command_;
  std::string name_, folder_, path_, link_;
};

// A word of ExecStart= that systemd takes literally (systemd.service(5), "Command lines").
std::string unit_word(const std::string& word);

}  // namespace mlops
