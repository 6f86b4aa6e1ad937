#include "domains/network/known_hosts.hpp"

#include "ssh/host_keys.hpp"

namespace mlops {

std::string known_hosts_name_of(const std::string& host, std::uint16_t port) {
  return known_hosts_name(host, port, "");
}

std::optional<KnownHostLine> known_host_line(const std::string& line, const std::string& name) {
  const auto entry = known_hosts_entry(line, name);
  if (!entry || entry->authority) return {};
  return KnownHostLine{entry->key.type + " " + entry->key.base64, entry->revoked, entry->alone};
}

}  // namespace mlops
