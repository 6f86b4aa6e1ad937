// The host keys that a machine's console shows.
#pragma once

#include <string>
#include <vector>

namespace mlops {

// Of the last whole block of keys that cloud-init printed (cc_keys_to_console), "TYPE BASE64" each; empty
// without one. Other lines may stand in between: the kernel's, and those of a login prompt.
std::vector<std::string> keys_on_console(const std::string& text);

// The one by which ssh would know the machine: its ed25519 key, else the first. "" if there is none, or if the
// known one is among them.
std::string key_against(const std::vector<std::string>& keys, const std::string& known);

}  // namespace mlops
