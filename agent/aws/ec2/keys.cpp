#include "aws/ec2/keys.hpp"

#include <utility>

#include "aws/ec2/reading.hpp"
#include "base/base64.hpp"

namespace mlops::aws {
namespace {

KeyPair key_pair_of(const XmlNode& node) {
  KeyPair key;
  key.id = id_at(node, "keyPairId");
  key.name = node.text_at("keyName");
  key.type = node.text_at("keyType");
  key.public_key = node.text_at("publicKey");
  while (key.public_key.ends_with('\n')) key.public_key.pop_back();
  key.fingerprint = node.text_at("keyFingerprint");
  key.created = time_at(node, "createTime");
  key.tags = tags_of(node);
  return key;
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n"));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

std::vector<KeyPair> describe_key_pairs(Client& client, const std::vector<Filter>& filters) {
  Params params = selection_params({{}, filters}, "");
  params.add("IncludePublicKey", true);
  std::vector<KeyPair> keys;
  for (const XmlNode& item : all_items(client, "DescribeKeyPairs", params, "keySet"))
    keys.push_back(key_pair_of(item));
  return keys;
}

std::optional<KeyPair> find_key_pair(Client& client, const std::string& name) {
  // A filter takes * and ? as wildcards, and a name may have them.
  for (KeyPair& key : describe_key_pairs(client, {{"key-name", {name}}}))
    if (key.name == name) return std::move(key);
  return {};
}

KeyPair import_key_pair(Client& client, const std::string& name, const std::string& line, const Tags& tags) {
  Params params;
  params.add("KeyName", name).add("PublicKeyMaterial", to_base64(line)).tag_created("key-pair", tags);
  KeyPair key = key_pair_of(client.query(Service::ec2, "ImportKeyPair", params));
  key.public_key = line;
  return key;
}

void delete_key_pair(Client& client, const std::string& id) {
  client.query(Service::ec2, "DeleteKeyPair", Params().add("KeyPairId", id));
}

bool same_public_key(std::string_view a, std::string_view b) {
  const std::string_view type = take_word(a), other_type = take_word(b);
  const std::string_view key = take_word(a), other_key = take_word(b);
  return !key.empty() && type == other_type && key == other_key;
}

}  // namespace mlops::aws
