// Public keys as they lie in files, without a library: enough to know which key is which.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlops {

// Of a file's text: "TYPE BASE64 …", or a private key in OpenSSH's own format, whose public half is not
// encrypted (PROTOCOL.key of OpenSSH). The key's blob (RFC 4253 section 6.6); absent for anything else.
std::optional<std::string> public_key_in(std::string_view text);

// The blob of the key that a certificate is for (PROTOCOL.certkeys of OpenSSH). Absent when it is no
// certificate.
std::optional<std::string> certified_key(std::string_view certificate);

// The type that a blob begins with; "" when it is none.
std::string key_type(std::string_view blob);

std::optional<std::string> from_base64(std::string_view text);
std::string to_base64(std::string_view bytes);

// The fields of RFC 4251 section 5, taken one after the other. A field that is not there makes the rest empty
// and bad.
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

// Puts a field behind what is there.
void put_number(std::string& out, std::uint32_t number);
void put_text(std::string& out, std::string_view text);

}  // namespace mlops
