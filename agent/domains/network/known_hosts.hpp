// What a known_hosts file says of a host's key.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

struct KnownHostKey {
  enum class Case {
    absent,   // no key of that type is known for the host
    known,    // this one is
    other,    // another one of that type
    revoked,  // this one is marked as revoked
  } what = Case::absent;
  std::size_t line = 0;  // of the entry that decides, from 1; 0: none
};

// As ssh finds the host in the file: github.com, or [github.com]:2222 with another port than 22.
std::string known_hosts_name_of(const std::string& host, std::uint16_t port);

// key: "TYPE BASE64". text: the file's. Names that are hashed count.
KnownHostKey find_known_host_key(const std::string& key, const std::string& name, const std::string& text);

}  // namespace mlops
