#include "base/digest.hpp"

#include <nettle/hmac.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <new>

#include "base/cancellation.hpp"
#include "base/error.hpp"

namespace mlops {
namespace {

constexpr std::size_t block = 32u << 10;  // on the stack

sha256_ctx* context(unsigned char* state) { return std::launder(reinterpret_cast<sha256_ctx*>(state)); }

template <std::size_t size>
std::string in_hex(const std::uint8_t (&digest)[size]) {
  std::string text;
  text.reserve(2 * sizeof digest);
  for (const std::uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

const std::uint8_t* octets(std::string_view bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

void compute_hmac(std::string_view key, std::string_view bytes, std::uint8_t (&digest)[SHA256_DIGEST_SIZE]) {
  hmac_sha256_ctx state;
  hmac_sha256_set_key(&state, key.size(), octets(key));
  hmac_sha256_update(&state, bytes.size(), octets(bytes));
  hmac_sha256_digest(&state, sizeof digest, digest);
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

Sha256::Sha256() {
  static_assert(sizeof(sha256_ctx) <= sizeof state_ && alignof(sha256_ctx) <= 16);
  sha256_init(new (state_) sha256_ctx);
}

void Sha256::update(std::string_view bytes) {
  sha256_update(context(state_), bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::string Sha256::hex() {
  std::uint8_t digest[SHA256_DIGEST_SIZE];
  sha256_digest(context(state_), sizeof digest, digest);
  return in_hex(digest);
}

std::string hmac_sha256_hex(std::string_view key, std::string_view bytes) {
  std::uint8_t digest[SHA256_DIGEST_SIZE];
  compute_hmac(key, bytes, digest);
  return in_hex(digest);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::uint8_t digest[SHA256_DIGEST_SIZE];
  compute_hmac(key, bytes, digest);
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

std::string sha1_hex(std::string_view bytes) {
  sha1_ctx state;
  sha1_init(&state);
  sha1_update(&state, bytes.size(), octets(bytes));
  std::uint8_t digest[SHA1_DIGEST_SIZE];
  sha1_digest(&state, sizeof digest, digest);
  return in_hex(digest);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

std::string sha256_hex(int descriptor, const Cancellation* cancellation) {
  char buffer[block];
  Sha256 digest;
  for (;;) {
    if (cancellation) cancellation->check();
    const ssize_t n = ::read(descriptor, buffer, block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("reading", errno);
    if (n == 0) return digest.hex();
    digest.update({buffer, static_cast<std::size_t>(n)});
  }
}

std::string lower_hex(std::string_view digits) {
  std::string lowered(digits);
  for (char& c : lowered)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  return lowered;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), is_hex);
}

}  // namespace mlops
