#include "domains/cloud/first_boot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "aws/own_file.hpp"
#include "base/error.hpp"
#include "ssh/key_pair.hpp"

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

void keep_host_key(const ActingUser& who, const std::string& alias, const std::string& host_key) {
  const std::string folder = who.home + "/.ssh", path = folder + "/known_hosts";
  const auto old = aws::read_own_file(path, {{}, who});
  std::string text, line;
  for (std::istringstream lines(old.value_or("")); std::getline(lines, line);)
    if (!line.starts_with(alias + " ")) text += line + "\n";
  text += alias + " " + host_key + "\n";
  aws::make_own_folder(folder);
  aws::replace_own_file(path, text);
}

}  // namespace mlops
