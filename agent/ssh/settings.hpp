// How a host is reached, as the person's own ssh would reach it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssh/destination.hpp"

namespace mlops {

// What `ssh -G NAME` says, with everything expanded (ssh_config(5)).
struct SshSettings {
  std::string name;         // as given: an alias of ~/.ssh/config, or user@host:port
  std::string config_file;  // another than ~/.ssh/config; "" for that
  std::string host;         // name or address to connect to
  std::uint16_t port = 22;
  std::string user;
  enum class Family { any, ipv4, ipv6 } family = Family::any;
  std::string bind_address;  // "": the system's choice

  std::string host_key_alias;               // "": the host's name stands in known_hosts
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
  std::vector<std::string> preferred_authentications;  // empty: ssh's own order
  unsigned password_prompts = 3;
  bool batch = false;                       // BatchMode: never ask
  std::optional<unsigned> connect_timeout;  // seconds
  bool compression = false;
  unsigned least_rsa_bits = 0;                                                // 0: the library's own
  std::vector<std::string> key_exchange, ciphers, macs, host_key_algorithms;  // as configured
  std::vector<std::string> public_key_algorithms;                             // PubkeyAcceptedAlgorithms
  std::vector<std::string> unsupported;  // what is set for this host and not followed here, as ssh prints it
};

// Of a name as the person gave it (ssh/destination.hpp).
// Error where it is none, or ssh itself refuses its configuration (with its words). config_file: another than
// ~/.ssh/config; "" for that. Without an ssh program here: the name alone, with ssh's defaults.
SshSettings ssh_settings(const std::string& name, const std::string& config_file = "");

// As root, a configuration file that somebody beside root and the caller could change (see distrust) is not followed: it
// names programs that ssh runs. Error with the reason; nothing where this process is not root, and for "".
void check_ssh_config(const std::string& config_file, unsigned caller);

// ---- the parts, for tests

// What the words of ssh_config(5), TOKENS stand for.
struct SshSurroundings {
  std::string home, user, local_host;  // of who runs ssh
  unsigned uid = 0;
  std::function<const char*(const char*)> environment;  // getenv
};
// Reads the output of `ssh -G`. Lines that it does not know are passed over.
SshSettings parse_ssh_settings(const std::string& name, std::string_view text, const SshSurroundings& here);

}  // namespace mlops
