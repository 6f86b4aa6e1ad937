#include "domains/network/known_hosts.hpp"

#include <charconv>

#include "ssh/host_keys.hpp"

namespace mlops {
namespace {

std::size_t line_of(const std::string& where) {  // "FILE:12"
  std::size_t line = 0;
  const auto colon = where.rfind(':');
  if (colon != std::string::npos) std::from_chars(where.data() + colon + 1, where.data() + where.size(), line);
  return line;
}

}  // namespace

std::string known_hosts_name_of(const std::string& host, std::uint16_t port) {
  return known_hosts_name(host, port, "");
}

KnownHostKey find_known_host_key(const std::string& key, const std::string& name, const std::string& text) {
  using Case = HostKeyJudgement::Case;
  const auto blank = key.find(' ');
  const HostKey shown{key.substr(0, blank), blank == std::string::npos ? "" : key.substr(blank + 1)};
  const HostKeyJudgement found = judge_host_key(shown, name, {{"known_hosts", text}});
  const std::size_t line = line_of(found.where);
  switch (found.what) {
    case Case::known:
      return {KnownHostKey::Case::known, line};
    case Case::revoked:
      return {KnownHostKey::Case::revoked, line};
    case Case::changed:
      if (found.known_type == shown.type) return {KnownHostKey::Case::other, line};
      break;
    case Case::fresh:
      break;
  }
  return {};
}

}  // namespace mlops
