#include "domains/cloud/first_boot.hpp"

#include <fmt/format.h>

#include <sstream>

#include "base/error.hpp"
#include "ssh/key_pair.hpp"
#include "ssh/pinned_keys.hpp"

namespace mlops {
namespace {

// cloud-init's user data may have several parts (MIME, RFC 2046).
constexpr const char* boundary = "==mlops-agent-part==";

std::string indented(const std::string& text, const std::string& by) {
  std::string out, line;
  for (std::istringstream lines(text); std::getline(lines, line);) out += by + line + "\n";
  return out;
}

std::string config_with(const SshKeyPair& key) {
  return fmt::format(
      "#cloud-config\nssh_deletekeys: true\nssh_keys:\n  ed25519_private: |\n{}  ed25519_public: |\n    {}\n",
      indented(key.private_key, "    "), key.public_line);
}

std::string content_type(const std::string& user_data) {
  if (user_data.starts_with("#cloud-config")) return "text/cloud-config";
  if (user_data.starts_with("#!")) return "text/x-shellscript";
  throw Error("user data must begin with #cloud-config or #!");
}

std::string part(const std::string& type, const std::string& text) {
  return fmt::format("--{}\nContent-Type: {}; charset=\"utf-8\"\nMIME-Version: 1.0\n\n{}\n", boundary, type,
                     text);
}

std::string known_hosts_of(const ActingUser& who) { return who.home + "/.ssh/known_hosts"; }

}  // namespace

FirstBoot first_boot(const std::string& user_data, const std::string& name) {
  SshKeyPair key;
  make_key_pair("ssh-ed25519", 0, name, key);
  FirstBoot boot{config_with(key), key.public_line};
  if (!user_data.empty())
    boot.user_data = fmt::format(
        "Content-Type: multipart/mixed; boundary=\"{0}\"\nMIME-Version: 1.0\n\n{1}{2}--{0}--\n", boundary,
        part("text/cloud-config", boot.user_data), part(content_type(user_data), user_data));
  return boot;
}

void check_pinning(const ActingUser& who) { read_pinned_keys(known_hosts_of(who), ""); }

std::string handed_host_key(const ActingUser& who, const std::string& alias) {
  const auto pinned = read_pinned_keys(known_hosts_of(who), alias);
  return pinned.size() == 1 && pinned.front().handed ? pinned.front().key : "";
}

void pin_host_key(const ActingUser& who, const std::string& alias, const std::string& host_key) {
  write_pinned_keys(known_hosts_of(who), alias, {{host_key, false}});
}

void keep_host_key(const ActingUser& who, const std::string& alias, const std::string& host_key) {
  const std::string path = known_hosts_of(who);
  if (!read_pinned_keys(path, alias).empty()) return;
  std::istringstream words(host_key);
  std::string type, base64;
  words >> type >> base64;
  write_pinned_keys(path, alias, {{type + " " + base64, true}});
}

}  // namespace mlops
