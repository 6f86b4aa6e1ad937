// Key pairs of ssh: making one, and the public half of a private key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mlops {

// A private key without a passphrase; its text is overwritten when it is destroyed.
struct SshKeyPair {
  std::string private_key;  // as in a file, with its final newline
  std::string public_line;  // "TYPE BASE64 COMMENT", without a newline
  SshKeyPair() = default;
  SshKeyPair(const SshKeyPair&) = delete;
  SshKeyPair& operator=(const SshKeyPair&) = delete;
  ~SshKeyPair();
};

// type: "ssh-ed25519", or "ssh-rsa" with its bits. Error if there can be none.
void make_key_pair(const std::string& type, std::uint64_t bits, const std::string& comment, SshKeyPair& into);

// "TYPE BASE64" of a private key file's text, in any format that libssh reads. Absent if it needs a passphrase,
// or is no private key.
std::optional<std::string> public_half(const std::string& private_key);

}  // namespace mlops
