#include "ssh/settings.hpp"

#include <fmt/format.h>
#include <limits.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/trust.hpp"

extern char** environ;

namespace mlops {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(at), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool yes(std::string_view value) { return value == "yes" || value == "true"; }

unsigned number(std::string_view value, unsigned otherwise) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  return error == std::errc() && end == value.data() + value.size() ? n : otherwise;
}

SshSettings::Strict strict_of(std::string_view value) {
  if (value == "no" || value == "false" || value == "off") return SshSettings::Strict::no;
  if (value == "yes" || value == "true") return SshSettings::Strict::yes;
  return value == "accept-new" ? SshSettings::Strict::accept_new : SshSettings::Strict::ask;
}

// ssh_config(5), TOKENS. An unknown one is left unchanged, for the message about the missing file.
std::string token(char c, const SshSettings& s, const SshSurroundings& here) {
  switch (c) {
    case '%':
      return "%";
    case 'd':
      return here.home;
    case 'h':
      return s.host;
    case 'i':
      return std::to_string(here.uid);
    case 'k':
      return s.host_key_alias.empty() ? s.host : s.host_key_alias;
    case 'L':
      return here.local_host.substr(0, here.local_host.find('.'));
    case 'l':
      return here.local_host;
    case 'n':
      return ssh_destination(s.name).host;
    case 'p':
      return std::to_string(s.port);
    case 'r':
      return s.user;
    case 'u':
      return here.user;
    default:
      return {'%', c};
  }
}

std::string with_tokens(std::string_view text, const SshSettings& s, const SshSurroundings& here) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 1 < text.size())
      out += token(text[++i], s, here);
    else
      out += text[i];
  }
  return out;
}

std::string with_variables(const std::string& text, const SshSurroundings& here) {
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const auto begin = text.find("${", at), end = text.find('}', begin);
    if (begin == std::string::npos || end == std::string::npos) return out + text.substr(at);
    const char* value = here.environment(text.substr(begin + 2, end - begin - 2).c_str());
    out += text.substr(at, begin - at) + (value ? value : "");
    at = end + 1;
  }
}

std::string home_of(const std::string& user) {
  passwd entry{}, *found = nullptr;
  char buffer[4096];
  if (::getpwnam_r(user.c_str(), &entry, buffer, sizeof buffer, &found) != 0 || !found) return "";
  return found->pw_dir;
}

std::string with_home(const std::string& path, const SshSurroundings& here) {
  if (!path.starts_with('~')) return path;
  const auto slash = std::min(path.find('/'), path.size());
  const std::string user = path.substr(1, slash - 1);
  const std::string home = user.empty() ? here.home : home_of(user);
  return home.empty() ? path : home + path.substr(slash);
}

std::string path_of(std::string_view text, const SshSettings& s, const SshSurroundings& here) {
  return with_home(with_variables(with_tokens(text, s, here), here), here);
}

// The lines of -G: a keyword in lower case, a space, the value.
using Lines = std::vector<std::pair<std::string, std::string>>;

Lines lines_of(std::string_view text) {
  Lines lines;
  for (const std::string& line : split(text, '\n')) {
    const auto space = line.find(' ');
    if (space != std::string::npos) lines.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return lines;
}

using Setter = void (*)(SshSettings&, const std::string&);

template <bool SshSettings::*field>
void set_flag(SshSettings& s, const std::string& v) {
  s.*field = yes(v);
}
template <std::string SshSettings::*field>
void set_text(SshSettings& s, const std::string& v) {
  s.*field = v == "none" ? "" : v;
}
template <std::vector<std::string> SshSettings::*field>
void set_list(SshSettings& s, const std::string& v) {
  s.*field = split(v, ',');
}

const std::map<std::string_view, Setter>& setters() {
  static const std::map<std::string_view, Setter> table{
      {"hostname", [](SshSettings& s, const std::string& v) { s.host = v; }},
      {"port",
       [](SshSettings& s, const std::string& v) { s.port = static_cast<std::uint16_t>(number(v, 22)); }},
      {"user", [](SshSettings& s, const std::string& v) { s.user = v; }},
      {"addressfamily",
       [](SshSettings& s, const std::string& v) {
         s.family = v == "inet"    ? SshSettings::Family::ipv4
                    : v == "inet6" ? SshSettings::Family::ipv6
                                   : SshSettings::Family::any;
       }},
      {"bindaddress", set_text<&SshSettings::bind_address>},
      {"hostkeyalias", set_text<&SshSettings::host_key_alias>},
      {"identityfile", [](SshSettings& s, const std::string& v) { s.identity_files.push_back(v); }},
      {"certificatefile", [](SshSettings& s, const std::string& v) { s.certificate_files.push_back(v); }},
      {"identityagent", [](SshSettings& s, const std::string& v) { s.identity_agent = v; }},
      {"identitiesonly", set_flag<&SshSettings::identities_only>},
      {"userknownhostsfile", [](SshSettings& s, const std::string& v) { s.user_known_hosts = split(v, ' '); }},
      {"globalknownhostsfile",
       [](SshSettings& s, const std::string& v) { s.global_known_hosts = split(v, ' '); }},
      {"stricthostkeychecking", [](SshSettings& s, const std::string& v) { s.strict = strict_of(v); }},
      {"hashknownhosts", set_flag<&SshSettings::hash_known_hosts>},
      {"nohostauthenticationforlocalhost", set_flag<&SshSettings::no_check_for_loopback>},
      {"revokedhostkeys", set_text<&SshSettings::revoked_host_keys>},
      {"proxyjump", set_text<&SshSettings::proxy_jump>},
      {"proxycommand", set_text<&SshSettings::proxy_command>},
      {"passwordauthentication", set_flag<&SshSettings::password_authentication>},
      {"kbdinteractiveauthentication", set_flag<&SshSettings::keyboard_interactive>},
      {"pubkeyauthentication",  // also: unbound, host-bound
       [](SshSettings& s, const std::string& v) { s.public_key = v != "no" && v != "false"; }},
      {"preferredauthentications", set_list<&SshSettings::preferred_authentications>},
      {"numberofpasswordprompts",
       [](SshSettings& s, const std::string& v) { s.password_prompts = number(v, 3); }},
      {"batchmode", set_flag<&SshSettings::batch>},
      {"connecttimeout",
       [](SshSettings& s, const std::string& v) {
         if (const unsigned n = number(v, 0)) s.connect_timeout = n;
       }},
      {"compression", set_flag<&SshSettings::compression>},
      {"requiredrsasize", [](SshSettings& s, const std::string& v) { s.least_rsa_bits = number(v, 0); }},
      {"kexalgorithms", set_list<&SshSettings::key_exchange>},
      {"ciphers", set_list<&SshSettings::ciphers>},
      {"macs", set_list<&SshSettings::macs>},
      {"hostkeyalgorithms", set_list<&SshSettings::host_key_algorithms>},
      {"pubkeyacceptedalgorithms", set_list<&SshSettings::public_key_algorithms>},
      {"knownhostscommand",
       [](SshSettings& s, const std::string& v) {
         if (v != "none") s.unsupported.push_back("KnownHostsCommand " + v);
       }},
      {"proxyusefdpass",
       [](SshSettings& s, const std::string& v) {
         if (yes(v)) s.unsupported.push_back("ProxyUseFdpass yes");
       }},
  };
  return table;
}

void expand(SshSettings& s, const SshSurroundings& here) {
  for (auto* list : {&s.identity_files, &s.certificate_files, &s.user_known_hosts, &s.global_known_hosts})
    for (std::string& path : *list) path = path_of(path, s, here);
  s.revoked_host_keys = path_of(s.revoked_host_keys, s, here);
  s.proxy_command = with_tokens(s.proxy_command, s, here);
  if (s.identity_agent == "SSH_AUTH_SOCK") s.identity_agent.clear();
  if (s.identity_agent.starts_with('$') && !s.identity_agent.starts_with("${")) {
    const char* value = here.environment(s.identity_agent.c_str() + 1);
    s.identity_agent = value ? value : "none";
  }
  if (s.identity_agent != "none") s.identity_agent = path_of(s.identity_agent, s, here);
  for (auto* list : {&s.user_known_hosts, &s.global_known_hosts}) std::erase(*list, "none");
}

SshSurroundings surroundings(const passwd& account) {
  char name[HOST_NAME_MAX + 1] = "";
  ::gethostname(name, sizeof name - 1);
  return {account.pw_dir, account.pw_name, name, account.pw_uid, [](const char* v) { return std::getenv(v); }};
}

// ssh itself takes the home from passwd only.
passwd account_of_process(std::vector<char>& buffer) {
  buffer.resize(16384);
  passwd entry{}, *found = nullptr;
  ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
  if (!found) throw Error(fmt::format("there is no account of uid {}", ::getuid()), ErrorKind::unavailable);
  return entry;
}

// The person's whole environment: `Match exec` and ProxyCommand are the person's own programs.
std::map<std::string, std::string> whole_environment() {
  std::map<std::string, std::string> all;
  for (char** e = environ; *e; ++e) {
    const std::string_view entry(*e);
    if (const auto equals = entry.find('='); equals != std::string_view::npos)
      all.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return all;
}

Command ssh_command(const SshDestination& d, const std::string& config_file) {
  Command c;
  c.argv = {"ssh", "-T", "-G"};
  if (!config_file.empty()) c.argv.insert(c.argv.end(), {"-F", config_file});
  if (!d.user.empty()) c.argv.insert(c.argv.end(), {"-l", d.user});
  if (d.port) c.argv.insert(c.argv.end(), {"-p", std::to_string(*d.port)});
  c.argv.insert(c.argv.end(), {"--", d.host});
  c.env = whole_environment();
  c.timeout_ms = 15'000;
  return c;
}

// ssh's defaults, as far as a machine without ssh needs them.
std::string defaults(const SshDestination& d, const passwd& account) {
  std::string text = fmt::format("hostname {}\nport {}\nuser {}\n", d.host, d.port.value_or(22),
                                 d.user.empty() ? account.pw_name : d.user);
  for (const char* key : {"rsa", "ecdsa", "ed25519"}) text += fmt::format("identityfile ~/.ssh/id_{}\n", key);
  return text +
         "userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2\n"
         "globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2\n";
}

std::string last_line(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace

SshSettings parse_ssh_settings(const std::string& name, std::string_view text, const SshSurroundings& here) {
  SshSettings s;
  s.name = name;
  for (const auto& [keyword, value] : lines_of(text))
    if (const auto setter = setters().find(keyword); setter != setters().end()) setter->second(s, value);
  expand(s, here);
  return s;
}

void check_ssh_config(const std::string& config_file, unsigned caller) {
  if (config_file.empty() || ::geteuid() != 0) return;
  if (const auto why = distrust(config_file, caller))
    throw Error(fmt::format("the ssh configuration {}: {}: root would run what somebody else can write there",
                            config_file, *why),
                ErrorKind::privilege);
}

SshSettings ssh_settings(const std::string& name, const std::string& given_file) {
  // ssh runs with another working folder, and so does a later connection to the host.
  const std::string config_file = given_file.empty() ? "" : std::filesystem::absolute(given_file).string();
  const SshDestination d = ssh_destination(name);
  std::vector<char> buffer;
  const passwd account = account_of_process(buffer);
  const ActingUser who{account.pw_name, account.pw_dir, account.pw_shell, account.pw_uid, account.pw_gid};
  const Command command = ssh_command(d, config_file);
  std::string text = defaults(d, account);
  if (!find_program("ssh", command, who).empty()) {
    const CommandResult result = run_process(command, who);
    if (result.status != 0)
      throw Error(fmt::format("ssh cannot read its configuration for {}: {}", name, last_line(result.errors)));
    text = result.output;
  }
  SshSettings s = parse_ssh_settings(name, text, surroundings(account));
  s.config_file = config_file;
  check_host_name(name, s.host);
  check_user_name(name, s.user);
  return s;
}

}  // namespace mlops
