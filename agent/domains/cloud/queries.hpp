// The reads of a cloud account as values, one for each member of CloudReader: what decorates a reader handles
// each as one of these.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/cloud/reader.hpp"

namespace mlops {

struct AskCaller {
  using Result = CloudCaller;
  CloudScope scope;
  Result ask(const CloudReader& reader) const { return reader.caller(scope); }
};
struct FindKeyPair {
  using Result = std::optional<CloudKeyPair>;
  CloudScope scope;
  std::string name;
  Result ask(const CloudReader& reader) const { return reader.key_pair(scope, name); }
};
struct FindCloudGroup {
  using Result = std::optional<CloudGroup>;
  CloudScope scope;
  std::string vpc, name;
  Result ask(const CloudReader& reader) const { return reader.group(scope, vpc, name); }
};
struct AskOffer {
  using Result = CloudOffer;
  CloudScope scope;
  InstanceSpec spec;
  Result ask(const CloudReader& reader) const { return reader.offer(scope, spec); }
};
struct FindInstances {
  using Result = CloudInstances;
  CloudScope scope;
  std::string name;
  Result ask(const CloudReader& reader) const { return reader.instances(scope, name); }
};
struct FindCloudAddress {
  using Result = std::optional<CloudAddress>;
  CloudScope scope;
  std::string name;
  Result ask(const CloudReader& reader) const { return reader.address(scope, name); }
};
struct ListInstances {
  using Result = std::vector<CloudInstance>;
  CloudScope scope;
  Result ask(const CloudReader& reader) const { return reader.all_instances(scope); }
};
struct AskOwnAddress {
  using Result = std::string;
  Result ask(const CloudReader& reader) const { return reader.own_address(); }
};
struct ReadPublicKey {
  using Result = std::optional<std::string>;
  std::string path;
  Result ask(const CloudReader& reader) const { return reader.public_key(path); }
};

using CloudQueries = TypeList<AskCaller, FindKeyPair, FindCloudGroup, AskOffer, FindInstances, FindCloudAddress,
                              ListInstances, AskOwnAddress, ReadPublicKey>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedCloud : public CloudReader {
  CloudCaller caller(const CloudScope& scope) const override { return asker().ask(AskCaller{scope}); }
  std::optional<CloudKeyPair> key_pair(const CloudScope& scope, const std::string& name) const override {
    return asker().ask(FindKeyPair{scope, name});
  }
  std::optional<CloudGroup> group(const CloudScope& scope, const std::string& vpc,
                                  const std::string& name) const override {
    return asker().ask(FindCloudGroup{scope, vpc, name});
  }
  CloudOffer offer(const CloudScope& scope, const InstanceSpec& spec) const override {
    return asker().ask(AskOffer{scope, spec});
  }
  CloudInstances instances(const CloudScope& scope, const std::string& name) const override {
    return asker().ask(FindInstances{scope, name});
  }
  std::optional<CloudAddress> address(const CloudScope& scope, const std::string& name) const override {
    return asker().ask(FindCloudAddress{scope, name});
  }
  std::vector<CloudInstance> all_instances(const CloudScope& scope) const override {
    return asker().ask(ListInstances{scope});
  }
  std::string own_address() const override { return asker().ask(AskOwnAddress{}); }
  std::optional<std::string> public_key(const std::string& path) const override {
    return asker().ask(ReadPublicKey{path});
  }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
