// The settings for reaching a host, as the person's own ssh would.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssh/destination.hpp"

namespace mlops {

// The output of `ssh -G NAME`, with everything expanded (ssh_config(5)).
struct SshSettings {
  std::string name;         // as given: an alias of ~/.ssh/config, or user@host:port
  std::string config_file;  // instead of ~/.ssh/config; "" for that
  std::string host;         // name or address to connect to
  std::uint16_t port = 22;
  std::string user;
  enum class Family { any, ipv4, ipv6 } family = Family::any;
  std::string bind_address;  // "": chosen by the system

  std::string host_key_alias;               // "": known_hosts uses the host's name
  std::vector<std::string> identity_files;  // in order; may not exist
  std::vector<std::string> certificate_files;
  std::string identity_agent;  // a socket; "": SSH_AUTH_SOCK; "none"
  bool identities_only = false;

  std::vector<std::string> user_known_hosts, global_known_hosts;  // files
  enum class Strict { yes, accept_new, no, ask } strict = Strict::ask;
  bool hash_known_hosts = false;
  bool no_check_for_loopback = false;  // NoHostAuthenticationForLocalhost
  std::string revoked_host_keys;       // a file; "": none

  std::string proxy_jump, proxy_command;  // "": none; the command has its %h, %p, %r and %n replaced
  bool password_authentication = true, keyboard_interactive = true, public_key = true;
  std::vector<std::string> preferred_authentications;  // empty: ssh's default order
  unsigned password_prompts = 3;
  bool batch = false;                       // BatchMode: never ask
  std::optional<unsigned> connect_timeout;  // seconds
  bool compression = false;
  unsigned least_rsa_bits = 0;                                                // 0: the library's default
  std::vector<std::string> key_exchange, ciphers, macs, host_key_algorithms;  // as configured
  std::vector<std::string> public_key_algorithms;                             // PubkeyAcceptedAlgorithms
  // options set for this host that are not supported here, as ssh prints them
  std::vector<std::string> unsupported;
};

// For a name as given by the person (ssh/destination.hpp). Error if it is invalid, or ssh itself rejects its
// configuration (with its message). config_file: instead of ~/.ssh/config; "" for that. Without an ssh program
// here: the name only, with ssh's defaults.
SshSettings ssh_settings(const std::string& name, const std::string& config_file = "");

// As root, a configuration file that someone other than root and the caller could change (see distrust) is
// refused: it names programs that ssh runs. Error with the reason; does nothing if this process is not root,
// and for "".
void check_ssh_config(const std::string& config_file, unsigned caller);

// ---- the parts, for tests

// The values of ssh_config(5), TOKENS.
struct SshSurroundings {
  std::string home, user, local_host;  // of the user who runs ssh
  unsigned uid = 0;
  std::function<const char*(const char*)> environment;  // getenv
};
// Parses the output of `ssh -G`. Unknown lines are ignored.
SshSettings parse_ssh_settings(const std::string& name, std::string_view text, const SshSurroundings& here);

}  // namespace mlops
