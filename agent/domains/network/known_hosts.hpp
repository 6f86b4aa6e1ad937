// What a known_hosts file says of a host's key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mlops {

// A line's entry for a host.
struct KnownHostLine {
  std::string key;       // "TYPE BASE64"
  bool revoked = false;  // it is never to be trusted
  bool alone = false;    // the line's name, plain or hashed, is the host's and no other
};

// As ssh finds the host in the file: github.com, or [github.com]:2222 with another port than 22.
std::string known_hosts_name_of(const std::string& host, std::uint16_t port);

// name: as known_hosts_name_of() gives it. Absent if the line has no key for that very name. A key of an
// authority (@cert-authority) is none of the host.
std::optional<KnownHostLine> known_host_line(const std::string& line, const std::string& name);

}  // namespace mlops
