// What a new machine is told for its first boot, and how it is recognised at the first connection.
#pragma once

#include <string>

#include "base/process.hpp"

namespace mlops {

struct FirstBoot {
  std::string user_data;  // for cloud-init, raw
  std::string host_key;   // the public half of the host key in it: "ssh-ed25519 AAAA…"
};

// A host key that is made here, and with it the user's own data ("" for none).
FirstBoot first_boot(const std::string& user_data, const std::string& name);

// Pins the host key under the alias (an instance's id) in ~/.ssh/known_hosts, marked as one that is replaced at
// the first connection (ssh/pinned_keys.hpp). A key that the alias has already stays: it is this one, or the
// one that has replaced it. Error if the file cannot be read or written.
void keep_host_key(const ActingUser& who, const std::string& alias, const std::string& host_key);

// The key that is pinned under the alias, as long as it is the one that travelled in user data; "" otherwise.
// Errors as of keep_host_key().
std::string handed_host_key(const ActingUser& who, const std::string& alias);

// Pins the key under the alias in place of what it has. Error if that fails.
void pin_host_key(const ActingUser& who, const std::string& alias, const std::string& host_key);

// Error if the file cannot be read, or others can write to it: to be known before a machine is made.
void check_pinning(const ActingUser& who);

}  // namespace mlops
