// The decision whether to talk to a host, from its key, the known_hosts files and the person's settings.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ssh/host_keys.hpp"
#include "ssh/settings.hpp"

namespace mlops {

class HostTrust {
 public:
  // Reads the known_hosts files. Error when one is there and cannot be read: it might revoke.
  explicit HostTrust(const SshSettings& settings);

  // The host key algorithms to ask for, those of known keys first. Empty: the library's own.
  std::vector<std::string> algorithms() const;

  // Returns when the host may be trusted. A new key is written down when accept_new or the settings say so,
  // with a warning for StrictHostKeyChecking no, and one when it could not be written. Error for any other key
  // that is not known: what was shown, what was known and where, and what to do. warn may be empty.
  void check(const HostKey& shown, bool accept_new, const std::function<void(const std::string&)>& warn) const;

 private:
  void check_revoked(const HostKey& shown) const;
  void write_down(const HostKey& shown) const;

  const SshSettings& settings_;
  std::string known_as_;
  std::vector<KnownHosts> files_;
};

}  // namespace mlops
