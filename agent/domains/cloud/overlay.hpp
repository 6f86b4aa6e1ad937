// A cloud account after the changes of a plan.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "domains/cloud/actions.hpp"
#include "domains/cloud/reader.hpp"
#include "domains/simulation.hpp"

namespace mlops {

// What only EC2 decides (ids, addresses) is Unknown after a simulated change, and names the resource that makes
// it.
class OverlayCloud : public CloudReader, public AssumingOverlay {
 public:
  // base must outlive this.
  explicit OverlayCloud(const CloudReader& base) : base_(base) {}
  static OverlayCloud over(const MachineReader& real, const MachineReader& /*root*/) {
    return OverlayCloud(real.cloud());
  }

  CloudCaller caller(const CloudScope& scope) const override { return base_.caller(scope); }
  std::optional<CloudKeyPair> key_pair(const CloudScope& scope, const std::string& name) const override;
  std::optional<CloudGroup> group(const CloudScope& scope, const std::string& vpc,
                                  const std::string& name) const override;
  // Groups and key pairs that the plan makes are taken out of the spec: they cannot be asked for yet.
  CloudOffer offer(const CloudScope& scope, const InstanceSpec& spec) const override;
  CloudInstances instances(const CloudScope& scope, const std::string& name) const override;
  std::optional<CloudAddress> address(const CloudScope& scope, const std::string& name) const override;
  std::vector<CloudInstance> all_instances(const CloudScope& scope) const override {
    return base_.all_instances(scope);
  }
  std::string own_address() const override { return base_.own_address(); }
  std::optional<std::string> public_key(const std::string& path) const override;

  // label: of the resource whose action it is.
  void apply(const ImportKeyPair& action, const std::string& label);
  void apply(const DeleteKeyPair& action, const std::string& label);
  void apply(const CreateCloudGroup& action, const std::string& label);
  void apply(const DeleteCloudGroup& action, const std::string& label);
  void apply(const ChangeCloudRules& action, const std::string& label);
  void apply(const LaunchInstance& action, const std::string& label);
  void apply(const PowerInstance& action, const std::string& label);
  void apply(const ModifyInstance& action, const std::string& label);
  void apply(const ChangeCloudAddress& action, const std::string& label);
  // A private key file of that type ("ssh-ed25519") will be made.
  void make_key(const std::string& path, const std::string& type);

 private:
  using Name = std::pair<CloudScope, std::string>;
  using GroupName = std::tuple<CloudScope, std::string, std::string>;  // with the VPC
  CloudInstance& changed_instance(const CloudScope& scope, const std::string& name);

  const CloudReader& base_;
  std::map<Name, std::optional<CloudKeyPair>> key_pairs_;  // nullopt: deleted
  std::map<GroupName, std::optional<CloudGroup>> groups_;
  std::map<Name, CloudInstances> instances_;
  std::map<Name, std::string> awaited_;  // instances and addresses of which only EC2 decides: the label
  std::map<Name, std::optional<CloudAddress>> addresses_;
  std::map<Name, std::string> awaited_addresses_;
  std::map<std::string, std::string> made_keys_;  // paths of private keys, with a public line
};

}  // namespace mlops
