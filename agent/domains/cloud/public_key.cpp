#include "domains/cloud/public_key.hpp"

#include "base/base64.hpp"
#include "ssh/host_keys.hpp"
#include "ssh/key_text.hpp"

namespace mlops {

bool is_same_key(const std::string& line, const std::string& other) {
  const auto one = public_key_in(line), two = public_key_in(other);
  return one && two && *one == *two;
}

std::string type_of_key(const std::string& line) {
  const auto blob = public_key_in(line);
  return blob ? key_type(*blob) : "";
}

std::string fingerprint_of_key(const std::string& line) {
  const auto blob = public_key_in(line);
  return blob ? fingerprint(HostKey{key_type(*blob), to_base64(*blob)}) : "";
}

}  // namespace mlops
