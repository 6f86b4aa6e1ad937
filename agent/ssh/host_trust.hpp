// Decides whether to trust a host, from its key, the known_hosts files and the person's settings.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ssh/host_keys.hpp"
#include "ssh/settings.hpp"

namespace mlops {

class HostTrust {
 public:
  // Reads the known_hosts files. Error if an existing one cannot be read: it might revoke a key.
  explicit HostTrust(const SshSettings& settings);

  // The host key algorithms to ask for, those of known keys first. Empty: the library's own.
  std::vector<std::string> algorithms() const;

  // Returns if the host is trusted. A new key is recorded if accept_new or the settings allow it, with a
  // warning for StrictHostKeyChecking no, and one if it could not be written. Error for any other unknown key:
  // the key that was shown, the known one and where, and what to do. warn may be empty.
  void check(const HostKey& shown, bool accept_new, const std::function<void(const std::string&)>& warn) const;

 private:
  void check_revoked(const HostKey& shown) const;
  void write_down(const HostKey& shown) const;

  const SshSettings& settings_;
  std::string known_as_;
  std::vector<KnownHosts> files_;
};

}  // namespace mlops
