#include "domains/cloud/overlay.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "ssh/key_text.hpp"

namespace mlops {
namespace {

template <class Map, class Key, class Read>
auto changed_or(const Map& changed, const Key& key, const Read& read) {
  const auto found = changed.find(key);
  return found == changed.end() ? read() : found->second;
}

void remove_rule(std::vector<CloudRule>& rules, const CloudRule& gone) {
  std::erase_if(rules, [&](const CloudRule& rule) { return rule.lets_in_same(gone); });
}

}  // namespace

std::optional<CloudKeyPair> OverlayCloud::key_pair(const CloudScope& scope, const std::string& name) const {
  return changed_or(key_pairs_, Name{scope, name}, [&] { return base_.key_pair(scope, name); });
}

std::optional<CloudGroup> OverlayCloud::group(const CloudScope& scope, const std::string& vpc,
                                              const std::string& name) const {
  // "" and the default VPC's id are the same place.
  for (const auto& [key, group] : groups_)
    if (const auto& [its_scope, its_vpc, its_name] = key;
        its_scope == scope && its_name == name && (its_vpc == vpc || its_vpc.empty() || vpc.empty()))
      return group;
  return base_.group(scope, vpc, name);
}

CloudOffer OverlayCloud::offer(const CloudScope& scope, const InstanceSpec& spec) const {
  InstanceSpec known = spec;
  if (key_pairs_.contains({scope, spec.key_pair})) known.key_pair.clear();
  std::erase_if(known.groups, [&](const std::string& name) {
    return std::any_of(groups_.begin(), groups_.end(), [&](const auto& one) {
      return std::get<0>(one.first) == scope && std::get<2>(one.first) == name;
    });
  });
  return base_.offer(scope, known);
}

CloudInstances OverlayCloud::instances(const CloudScope& scope, const std::string& name) const {
  if (const auto label = awaited_.find({scope, name}); label != awaited_.end())
    throw Unknown{{label->second}, ""};
  return changed_or(instances_, Name{scope, name}, [&] { return base_.instances(scope, name); });
}

std::optional<CloudAddress> OverlayCloud::address(const CloudScope& scope, const std::string& name) const {
  if (const auto label = awaited_addresses_.find({scope, name}); label != awaited_addresses_.end())
    throw Unknown{{label->second}, ""};
  return changed_or(addresses_, Name{scope, name}, [&] { return base_.address(scope, name); });
}

std::optional<std::string> OverlayCloud::public_key(const std::string& path) const {
  if (const auto made = made_keys_.find(path); made != made_keys_.end()) return made->second;
  return base_.public_key(path);
}

// No key, but one that compares as such.
void OverlayCloud::make_key(const std::string& path, const std::string& type) {
  std::string blob;
  put_text(blob, type);
  put_text(blob, sha256_hex(path));
  made_keys_[path] = type + " " + to_base64(blob);
}

void OverlayCloud::apply(const ImportKeyPair& a, const std::string& /*label*/) {
  CloudKeyPair pair{.id = "", .name = a.name, .public_key = a.public_key, .fingerprint = "", .tags = {}};
  if (!a.file.empty())
    if (auto line = public_key(a.file)) pair.public_key = *std::move(line);
  pair.tags[cloud_tag] = "ec2_key_pair/" + a.name;
  key_pairs_[{a.scope, a.name}] = std::move(pair);
}

void OverlayCloud::apply(const DeleteKeyPair& a, const std::string& /*label*/) {
  key_pairs_[{a.scope, a.name}] = std::nullopt;
}

void OverlayCloud::apply(const CreateCloudGroup& a, const std::string& /*label*/) {
  CloudGroup made;
  made.id = "sg-of-this-plan-" + a.name;  // EC2 will choose one
  made.name = a.name;
  made.vpc = a.vpc;
  made.description = a.description;
  made.tags[cloud_tag] = "ec2_security_group/" + a.name;
  groups_[{a.scope, a.vpc, a.name}] = std::move(made);
}

void OverlayCloud::apply(const DeleteCloudGroup& a, const std::string& /*label*/) {
  groups_[{a.scope, a.vpc, a.name}] = std::nullopt;
}

void OverlayCloud::apply(const ChangeCloudRules& a, const std::string& /*label*/) {
  auto changed = group(a.scope, a.vpc, a.group);
  if (!changed) throw Error("there is no security group " + a.group);
  for (const CloudRule& rule : a.remove) remove_rule(changed->rules, rule);
  for (CloudRule rule : a.add) {
    if (!rule.group.empty() && !rule.group.starts_with("sg-"))
      if (const auto other = rule.group == a.group ? changed : group(a.scope, a.vpc, rule.group))
        rule.group = other->id;
    remove_rule(changed->rules, rule);
    changed->rules.push_back(std::move(rule));
  }
  groups_[{a.scope, a.vpc, a.group}] = std::move(changed);
}

void OverlayCloud::apply(const LaunchInstance& a, const std::string& label) {
  awaited_[{a.scope, a.name}] = label;
}

CloudInstance& OverlayCloud::changed_instance(const CloudScope& scope, const std::string& name) {
  CloudInstances found = instances(scope, name);
  if (found.alive.size() != 1) throw Error("there is not one instance " + name);
  return (instances_[{scope, name}] = std::move(found)).alive.front();
}

void OverlayCloud::apply(const PowerInstance& a, const std::string& label) {
  CloudInstance& instance = changed_instance(a.scope, a.name);
  if (a.verb == PowerInstance::Verb::start) {
    awaited_[{a.scope, a.name}] = label;  // for its new address
  } else if (a.verb == PowerInstance::Verb::stop) {
    instance.power = CloudPower::stopped;
    instance.public_address.clear();
  } else {
    CloudInstances& all = instances_[{a.scope, a.name}];
    all.gone = std::move(instance);
    all.gone->power = CloudPower::terminated;
    all.alive.clear();
  }
}

void OverlayCloud::apply(const ModifyInstance& a, const std::string& /*label*/) {
  CloudInstance& instance = changed_instance(a.scope, a.name);
  if (!a.type.empty()) instance.type = a.type;
  if (a.disk_gib != 0) instance.disk_gib = a.disk_gib;
  if (!a.disk_type.empty()) instance.disk_type = a.disk_type;
  if (!a.groups.empty()) instance.groups = a.groups;
  for (const auto& [key, value] : a.tags) instance.tags[key] = value;
  if (a.require_tokens) instance.requires_tokens = true;
  if (!a.host_key.empty()) instance.console_key.clear();
}

void OverlayCloud::apply(const ChangeCloudAddress& a, const std::string& label) {
  if (!a.present) {
    addresses_[{a.scope, a.name}] = std::nullopt;
    return;
  }
  auto changed = address(a.scope, a.name);
  if (!changed) {
    awaited_addresses_[{a.scope, a.name}] = label;
    return;
  }
  changed->instance = a.instance;
  addresses_[{a.scope, a.name}] = std::move(changed);
}

}  // namespace mlops
