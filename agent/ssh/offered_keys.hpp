// The keys to offer to a host, in the order in which ssh(1) would.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ssh/key_agent.hpp"
#include "ssh/settings.hpp"

namespace mlops {

struct OfferedKey {
  std::string name;         // for people: a file, or the agent's key
  std::string path;         // of the private key's file; "": in the agent
  std::string certificate;  // a file, together with path; "": none
  AgentKey agent;           // offered if there is no path
  std::string signer;       // the key that the agent signs with
  std::string unusable;     // why it cannot be tried; "": it can
};

// Reads a file: absent if it does not exist, or may not be read.
using ReadKeyFile = std::function<std::optional<std::string>(const std::string& path)>;

// Configured certificates; configured keys in the agent; the agent's other keys, unless IdentitiesOnly; files.
// A key with a certificate beside it (KEY-cert.pub) is offered with it first.
std::vector<OfferedKey> keys_to_offer(const SshSettings& settings, const std::vector<AgentKey>& agent,
                                      const ReadKeyFile& read);

}  // namespace mlops
