#include "ssh/key_text.hpp"

#include <algorithm>

#include "base/base64.hpp"

namespace mlops {
namespace {

constexpr std::string_view private_begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view private_end = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view certificate_suffix = "-cert-v01@openssh.com";

std::optional<std::string> in_private_key(std::string_view text) {
  text.remove_prefix(private_begin.size());
  const auto body = from_base64(text.substr(0, text.find(private_end)));
  if (!body) return {};
  KeyReader reader(*body);
  const auto magic = reader.bytes(sizeof "openssh-key-v1");  // with its final 0 byte
  for (int i = 0; i < 3; ++i) reader.text();                 // cipher, derivation, its options
  const std::uint32_t keys = reader.number();
  const auto key = reader.text();
  if (!reader.good() || !magic.starts_with("openssh-key-v1") || keys != 1) return {};
  return std::string(key);
}

std::string_view word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const auto end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
  const auto found = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return found;
}

// How many fields of a plain key follow its type; 0 for types without certificates.
int fields_of(std::string_view type) {
  if (type == "ssh-ed25519") return 1;
  if (type == "ssh-rsa" || type == "sk-ssh-ed25519@openssh.com" || type.starts_with("ecdsa-sha2-")) return 2;
  if (type == "sk-ecdsa-sha2-nistp256@openssh.com") return 3;
  return 0;
}

}  // namespace

std::string_view KeyReader::bytes(std::size_t size) {
  if (size > rest_.size()) {
    good_ = false;
    rest_ = {};
    return {};
  }
  const auto taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::uint32_t KeyReader::number() {
  std::uint32_t n = 0;
  for (const char c : bytes(4)) n = n << 8 | static_cast<unsigned char>(c);
  return n;
}

std::string_view KeyReader::text() {
  const std::uint32_t size = number();
  return bytes(size);
}

void put_number(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::string key_type(std::string_view blob) {
  KeyReader reader(blob);
  const auto type = reader.text();
  return reader.good() && type.size() <= 64 ? std::string(type) : "";
}

std::optional<std::string> public_key_in(std::string_view text) {
  if (text.starts_with(private_begin)) return in_private_key(text);
  const auto type = word(text);
  auto blob = from_base64(word(text));
  if (!blob || type.empty() || key_type(*blob) != type) return {};
  return blob;
}

std::optional<std::string> certified_key(std::string_view certificate) {
  KeyReader reader(certificate);
  std::string_view type = reader.text();
  // sk-ssh-ed25519-cert-v01@openssh.com is of sk-ssh-ed25519@openssh.com.
  if (!type.ends_with(certificate_suffix)) return {};
  type.remove_suffix(certificate_suffix.size());
  const std::string plain = std::string(type) + (type.starts_with("sk-") ? "@openssh.com" : "");
  reader.text();  // the nonce
  std::string key;
  put_text(key, plain);
  const int fields = fields_of(plain);
  for (int i = 0; i < fields; ++i) put_text(key, reader.text());
  if (fields == 0 || !reader.good()) return {};
  return key;
}

}  // namespace mlops
