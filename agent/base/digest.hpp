// SHA-256 and SHA-1 (FIPS 180-4), and the keyed digest of the former.
#pragma once

#include <string>
#include <string_view>

namespace mlops {

class Cancellation;

// An incremental digest.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  // The digest in lower-case hex; resets it.
  std::string hex();

 private:
  alignas(16) unsigned char state_[128];  // nettle's sha256_ctx
};

// In lower-case hex.
std::string sha256_hex(std::string_view bytes);

// The keyed digest of bytes (HMAC-SHA-256, RFC 2104), in lower-case hex: they cannot be guessed without the
// key.
std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);

// The same as its 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// SHA-1 in lower-case hex: for names that others derive so, never for proof.
std::string sha1_hex(std::string_view bytes);

// From the descriptor's current position to its end. Error if it cannot be read, Error cancelled.
std::string sha256_hex(int descriptor, const Cancellation* cancellation = nullptr);

// Hex digits in lower case; other characters stay.
std::string lower_hex(std::string_view digits);

// Whether it is 64 hex digits, of either case.
bool is_sha256(std::string_view text);

}  // namespace mlops
