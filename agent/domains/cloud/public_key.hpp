// Public keys of ssh, as an account shows them.
#pragma once

#include <string>

namespace mlops {

// Whether two lines of OpenSSH ("TYPE BASE64 COMMENT") are of one key, whatever their comments.
bool is_same_key(const std::string& line, const std::string& other);
// "ssh-ed25519"; "" if it is no key.
std::string type_of_key(const std::string& line);
// "SHA256:…", as ssh-keygen -l shows it; "" if it is no key.
std::string fingerprint_of_key(const std::string& line);

}  // namespace mlops
