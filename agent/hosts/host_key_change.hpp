// Replaces the host key that a new machine got in its user data by one that is made there and leaves it never.
#pragma once

#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "ssh/connection.hpp"
#include "ssh/settings.hpp"

namespace mlops {

// A pinned key that is to be replaced (ssh/pinned_keys.hpp).
struct HandedKey {
  std::string file;   // of known_hosts
  std::string alias;  // in it
  std::string key;    // "ssh-ed25519 AAAA…"
};

// Whether the host is known by such a key: from its HostKeyAlias and the person's known_hosts files only,
// nothing that the host says. Absent if not; a file that others can write to marks nothing. Error if one cannot
// be read.
std::optional<HandedKey> handed_key(const SshSettings& settings);

// Over a connection that was proven by the key: a new one is made on the machine, pinned beside the old one,
// put in the old one's place, seen to be the one that sshd shows there, and from then on the only one that is
// pinned. At most one of the two is ever lost: what was interrupted anywhere is finished by the next call.
// Returns the new fingerprint. Error, with what to do, if the host does not let it happen; then both keys may
// be pinned. folder: of the host's keys, on the host.
std::string replace_handed_key(Connection& connection, const HandedKey& handed,
                               const Cancellation& cancellation, const std::string& folder = "/etc/ssh");

}  // namespace mlops
