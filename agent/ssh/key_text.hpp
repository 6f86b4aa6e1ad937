// Parses public key files without a library, as far as needed to identify keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlops {

// From a file's text: "TYPE BASE64 …", or a private key in OpenSSH's own format, whose public half is not
// encrypted (PROTOCOL.key of OpenSSH). The key's blob (RFC 4253 section 6.6); absent for anything else.
std::optional<std::string> public_key_in(std::string_view text);

// The blob of the key that a certificate is for (PROTOCOL.certkeys of OpenSSH). Absent if it is not a
// certificate.
std::optional<std::string> certified_key(std::string_view certificate);

// The type at the start of a blob; "" if it is not one.
std::string key_type(std::string_view blob);

// Reads the fields of RFC 4251 section 5 in order. A missing field makes the rest empty and invalid.
class KeyReader {
 public:
  explicit KeyReader(std::string_view bytes) : rest_(bytes) {}
  std::string_view bytes(std::size_t size);
  std::uint32_t number();
  std::string_view text();
  bool good() const { return good_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// Appends a field.
void put_number(std::string& out, std::uint32_t number);
void put_text(std::string& out, std::string_view text);

}  // namespace mlops
