// Key pairs of EC2: public keys by name, per region.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/client.hpp"
#include "aws/ec2/tags.hpp"

namespace mlops::aws {

struct KeyPair {
  std::string id, name, type;  // type: "rsa", "ed25519"
  std::string public_key;      // OpenSSH's line; compare with same_public_key()
  std::string fingerprint;     // as EC2 shows it; how it is computed depends on how the key came there
  std::optional<Seconds> created;
  Tags tags;
};

// By filters, so that a name that does not exist is an empty list: "key-name", "key-pair-id", tags.
std::vector<KeyPair> describe_key_pairs(Client& client, const std::vector<Filter>& filters);
std::optional<KeyPair> find_key_pair(Client& client, const std::string& name);

// RSA or ED25519; the line without a newline. AwsError InvalidKeyPair.Duplicate if the name is taken: compare.
KeyPair import_key_pair(Client& client, const std::string& name, const std::string& openssh_line,
                        const Tags& tags);
// Succeeds if there is none. Running instances keep their keys.
void delete_key_pair(Client& client, const std::string& id);

// Whether two lines of OpenSSH hold the same key: its type and its base64, whatever the comment.
bool same_public_key(std::string_view a, std::string_view b);

}  // namespace mlops::aws
