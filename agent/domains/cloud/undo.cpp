// How changes to a cloud account are reverted.
#include <fmt/format.h>

#include <algorithm>

#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/cloud/object_name.hpp"
#include "domains/cloud/public_key.hpp"
#include "domains/domains.hpp"
#include "domains/inverse.hpp"

namespace mlops {
namespace {

using Verb = PowerInstance::Verb;

const CloudReader& cloud_of(const CaptureBefore& c) { return c.machine().cloud(); }

bool lets_in(const std::vector<CloudRule>& rules, const CloudRule& wanted) {
  return std::any_of(rules.begin(), rules.end(), [&](const CloudRule& r) { return r.lets_in_same(wanted); });
}

std::string power_of(const CloudInstances& found) {
  if (found.alive.empty()) return "";
  const CloudPower power = found.alive.front().power;
  return power == CloudPower::stopped || power == CloudPower::stopping ? "stopped" : "running";
}

void add(Things& things, const char* type, const CloudScope& scope, const std::string& name) {
  things.insert("cloud " + to_string(CloudObject{type, name, scope}));
}

}  // namespace

// ---- key pairs ----

void capture(const ImportKeyPair& a, CaptureBefore& c, Before& b) {
  b.had_cloud_object = cloud_of(c).key_pair(a.scope, a.name).has_value();
}
void capture(const DeleteKeyPair& a, CaptureBefore& c, Before& b) {
  const auto pair = cloud_of(c).key_pair(a.scope, a.name);
  b.had_cloud_object = pair.has_value();
  if (pair) b.replaced_key = pair->public_key;
}

Inverse invert(const ImportKeyPair& a, const Before& b) {
  if (b.had_cloud_object.value_or(true)) return {};
  return {{DeleteKeyPair{a.scope, a.name}}, {}};
}
Inverse invert(const DeleteKeyPair& a, const Before& b) {
  if (b.replaced_key.empty()) return {};
  return {{ImportKeyPair{a.scope, a.name, "", b.replaced_key}}, {}};
}

bool satisfied(const ImportKeyPair& a, const MachineReader& m) {
  const auto pair = m.cloud().key_pair(a.scope, a.name);
  return pair && (a.public_key.empty() || is_same_key(pair->public_key, a.public_key));
}
bool satisfied(const DeleteKeyPair& a, const MachineReader& m) {
  return !m.cloud().key_pair(a.scope, a.name).has_value();
}

void touch(const ImportKeyPair& a, const Before&, Things& t) { add(t, "ec2_key_pair", a.scope, a.name); }
void touch(const DeleteKeyPair& a, const Before&, Things& t) { add(t, "ec2_key_pair", a.scope, a.name); }

// ---- security groups ----

void capture(const CreateCloudGroup& a, CaptureBefore& c, Before& b) {
  b.had_cloud_object = cloud_of(c).group(a.scope, a.vpc, a.name).has_value();
}
void capture(const DeleteCloudGroup& a, CaptureBefore& c, Before& b) {
  const auto group = cloud_of(c).group(a.scope, a.vpc, a.name);
  b.had_cloud_object = group.has_value();
  if (!group) return;
  b.group_description = group->description;
  b.cloud_rules = group->rules;
}
void capture(const ChangeCloudRules& a, CaptureBefore& c, Before& b) {
  if (const auto group = cloud_of(c).group(a.scope, a.vpc, a.group)) b.cloud_rules = group->rules;
}

Inverse invert(const CreateCloudGroup& a, const Before& b) {
  if (b.had_cloud_object.value_or(true)) return {};
  return {{DeleteCloudGroup{a.scope, a.vpc, a.name}}, {}};
}
Inverse invert(const DeleteCloudGroup& a, const Before& b) {
  if (!b.had_cloud_object.value_or(false)) return {};
  Inverse inverse{{CreateCloudGroup{a.scope, a.vpc, a.name, b.group_description}}, {}};
  if (!b.cloud_rules.empty())
    inverse.actions.push_back(ChangeCloudRules{a.scope, a.vpc, a.name, b.cloud_rules, {}});
  return inverse;
}
Inverse invert(const ChangeCloudRules& a, const Before& b) {
  ChangeCloudRules back{a.scope, a.vpc, a.group, {}, {}};
  for (const CloudRule& rule : a.add)
    if (!lets_in(b.cloud_rules, rule)) back.remove.push_back(rule);
  for (const CloudRule& rule : b.cloud_rules)
    if (lets_in(a.remove, rule)) back.add.push_back(rule);
  if (back.add.empty() && back.remove.empty()) return {};
  return {{std::move(back)}, {}};
}

bool satisfied(const CreateCloudGroup& a, const MachineReader& m) {
  return m.cloud().group(a.scope, a.vpc, a.name).has_value();
}
bool satisfied(const DeleteCloudGroup& a, const MachineReader& m) {
  return !m.cloud().group(a.scope, a.vpc, a.name).has_value();
}
bool satisfied(const ChangeCloudRules& a, const MachineReader& m) {
  const auto group = m.cloud().group(a.scope, a.vpc, a.group);
  if (!group) return a.add.empty();
  return std::all_of(a.add.begin(), a.add.end(), [&](const auto& r) { return lets_in(group->rules, r); }) &&
         std::none_of(a.remove.begin(), a.remove.end(),
                      [&](const auto& r) { return lets_in(group->rules, r); });
}

void touch(const CreateCloudGroup& a, const Before&, Things& t) {
  add(t, "ec2_security_group", a.scope, a.name);
}
void touch(const DeleteCloudGroup& a, const Before&, Things& t) {
  add(t, "ec2_security_group", a.scope, a.name);
}
void touch(const ChangeCloudRules& a, const Before&, Things& t) {
  add(t, "ec2_security_group", a.scope, a.group);
}

// ---- instances ----

void capture(const LaunchInstance& a, CaptureBefore& c, Before& b) {
  b.had_cloud_object = !cloud_of(c).instances(a.scope, a.name).alive.empty();
}
void capture(const PowerInstance& a, CaptureBefore& c, Before& b) {
  b.instance_power = power_of(cloud_of(c).instances(a.scope, a.name));
}
void capture(const ModifyInstance& a, CaptureBefore& c, Before& b) {
  const CloudInstances found = cloud_of(c).instances(a.scope, a.name);
  if (found.alive.empty()) return;
  b.instance_type = found.alive.front().type;
  b.instance_groups = found.alive.front().groups;
}

// An undo ends no instance: its disk would be lost.
Inverse invert(const LaunchInstance& a, const Before& b) {
  if (b.had_cloud_object.value_or(false)) return {};
  return {{}, {fmt::format("the instance {}, which `\"state\": \"absent\"` terminates", a.name)}};
}
Inverse invert(const PowerInstance& a, const Before& b) {
  if (a.verb == Verb::terminate) return {{}, {fmt::format("the end of the instance {} ({})", a.name, a.id)}};
  const bool ran = b.instance_power == "running";
  if (b.instance_power.empty() || ran == (a.verb == Verb::start)) return {};
  return {{PowerInstance{a.scope, a.name, a.id, ran ? Verb::start : Verb::stop}}, {}};
}
Inverse invert(const ModifyInstance& a, const Before& b) {
  ModifyInstance back{.scope = a.scope, .name = a.name, .id = a.id, .type = "", .disk_type = "", .groups = {}};
  if (!a.type.empty() && a.type != b.instance_type) back.type = b.instance_type;
  if (!a.groups.empty() && a.groups != b.instance_groups) back.groups = b.instance_groups;
  Inverse inverse;
  if (!back.type.empty() || !back.groups.empty()) inverse.actions.push_back(std::move(back));
  if (a.disk_gib != 0 || !a.disk_type.empty())
    inverse.stays.push_back(fmt::format("the changed disk of the instance {}", a.name));
  return inverse;
}

bool satisfied(const LaunchInstance& a, const MachineReader& m) {
  return m.cloud().instances(a.scope, a.name).alive.size() == 1;
}
bool satisfied(const PowerInstance& a, const MachineReader& m) {
  const CloudInstances found = m.cloud().instances(a.scope, a.name);
  if (a.verb == Verb::terminate)
    return std::none_of(found.alive.begin(), found.alive.end(),
                        [&](const auto& one) { return one.id == a.id; });
  const CloudPower end = a.verb == Verb::start ? CloudPower::running : CloudPower::stopped;
  return std::any_of(found.alive.begin(), found.alive.end(),
                     [&](const auto& one) { return one.id == a.id && one.power == end; });
}
bool satisfied(const ModifyInstance& a, const MachineReader& m) {
  const CloudInstances found = m.cloud().instances(a.scope, a.name);
  return std::any_of(found.alive.begin(), found.alive.end(), [&](const CloudInstance& one) {
    return one.id == a.id && (a.type.empty() || one.type == a.type) && one.disk_gib >= a.disk_gib &&
           (a.disk_type.empty() || one.disk_type == a.disk_type) &&
           (a.groups.empty() || one.groups == a.groups) && (a.host_key.empty() || one.console_key.empty());
  });
}

void touch(const LaunchInstance& a, const Before&, Things& t) { add(t, "ec2_instance", a.scope, a.name); }
void touch(const PowerInstance& a, const Before&, Things& t) { add(t, "ec2_instance", a.scope, a.name); }
void touch(const ModifyInstance& a, const Before&, Things& t) { add(t, "ec2_instance", a.scope, a.name); }

// ---- addresses ----

void capture(const ChangeCloudAddress& a, CaptureBefore& c, Before& b) {
  const auto address = cloud_of(c).address(a.scope, a.name);
  b.had_cloud_object = address.has_value();
  if (address) b.address_instance = address->instance;
}

Inverse invert(const ChangeCloudAddress& a, const Before& b) {
  if (!b.had_cloud_object.value_or(true))
    return a.present ? Inverse{{ChangeCloudAddress{a.scope, a.name, "", false}}, {}} : Inverse();
  if (!a.present) return {{}, {fmt::format("the released address of {}", a.name)}};
  if (a.instance == b.address_instance) return {};
  return {{ChangeCloudAddress{a.scope, a.name, b.address_instance, true}}, {}};
}

bool satisfied(const ChangeCloudAddress& a, const MachineReader& m) {
  const auto address = m.cloud().address(a.scope, a.name);
  return a.present ? address && address->instance == a.instance : !address;
}

void touch(const ChangeCloudAddress& a, const Before&, Things& t) { add(t, "ec2_address", a.scope, a.name); }

// ---- what an object is now ----

namespace {

std::string line_of(const CloudGroup& group) {
  std::vector<std::string> rules;
  for (const CloudRule& r : group.rules)
    rules.push_back(fmt::format("{} {}-{} {}{}", r.protocol, r.from_port, r.to_port, r.cidr, r.group));
  std::sort(rules.begin(), rules.end());
  return fmt::format("{}", fmt::join(rules, ", "));
}

}  // namespace

std::optional<std::string> fingerprint(CloudDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& m) {
  if (kind != "cloud") return std::nullopt;
  const auto key = parse_cloud_object(name);
  if (!key) return std::nullopt;
  if (key->type == "ec2_key_pair") {
    const auto pair = m.cloud().key_pair(key->scope, key->name);
    return pair ? pair->fingerprint : "absent";
  }
  if (key->type == "ec2_security_group") {
    const auto group = m.cloud().group(key->scope, "", key->name);
    return group ? line_of(*group) : "absent";
  }
  if (key->type == "ec2_address") {
    const auto address = m.cloud().address(key->scope, key->name);
    return address ? fmt::format("{} {}", address->id, address->instance) : "absent";
  }
  const CloudInstances found = m.cloud().instances(key->scope, key->name);
  return found.alive.empty() ? "absent" : fmt::format("{} {}", found.alive.front().id, power_of(found));
}

}  // namespace mlops
