// Host keys that are pinned under an alias (HostKeyAlias) in a known_hosts file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/handle.hpp"

namespace mlops {

// The comment of a key that others could have read: it travelled to the machine in user data, which every
// process there, and many a reader of the account, can see. It is to be replaced at the first connection.
inline constexpr const char* handed_key_mark = "mlops-agent:travelled-in-user-data";

struct PinnedKey {
  std::string key;      // "ssh-ed25519 AAAA…", without a comment
  bool handed = false;  // it has the mark
  bool operator==(const PinnedKey&) const = default;
};

// Opens a list of keys to read and write it, makes it if there is none, and locks it against its other writers,
// one of which may replace the file meanwhile. flags: of open(2), besides. Error.
Handle open_locked(const std::string& path, int flags);

// The keys of the alias in a file's text, in their order; its name may be hashed (ssh-keygen -H). Lines that
// are for other names too, and those with a marker such as @revoked, are none of ours.
std::vector<PinnedKey> pinned_keys(const std::string& text, const std::string& alias);

// The same, of a file; none if it does not exist. Error if it cannot be read, or others could have written it.
std::vector<PinnedKey> read_pinned_keys(const std::string& path, const std::string& alias);

// Makes these the keys of the alias, in place of those there: the file is replaced at once, with mode 0600, and
// is durable; its other lines stay. Error if that fails.
void write_pinned_keys(const std::string& path, const std::string& alias, const std::vector<PinnedKey>& keys);

}  // namespace mlops
