#include "domains/cloud/console_keys.hpp"

#include <sstream>

#include "base/contains.hpp"
#include "domains/cloud/public_key.hpp"

namespace mlops {
namespace {

constexpr std::string_view block_begin = "-----BEGIN SSH HOST KEY KEYS-----",
                           block_end = "-----END SSH HOST KEY KEYS-----";

}  // namespace

std::vector<std::string> keys_on_console(const std::string& text) {
  const std::size_t end = text.rfind(block_end);
  const std::size_t begin = end == text.npos ? end : text.rfind(block_begin, end);
  if (begin == text.npos) return {};
  std::vector<std::string> keys;
  std::string line;
  for (std::istringstream lines(text.substr(begin, end - begin)); std::getline(lines, line);) {
    std::istringstream words(line);
    std::string type, base64;
    words >> type >> base64;
    if (const std::string key = type + " " + base64; type_of_key(key) == type && !type.empty())
      keys.push_back(key);
  }
  return keys;
}

std::string key_against(const std::vector<std::string>& keys, const std::string& known) {
  if (keys.empty() || contains(keys, known)) return "";
  for (const std::string& key : keys)
    if (key.starts_with("ssh-ed25519 ")) return key;
  return keys.front();
}

}  // namespace mlops
