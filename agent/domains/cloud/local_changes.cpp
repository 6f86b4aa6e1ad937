// What is changed in an account, but for launching instances.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "aws/ec2/addresses.hpp"
#include "aws/ec2/keys.hpp"
#include "aws/ec2/volumes.hpp"
#include "base/contains.hpp"
#include "domains/cloud/advised.hpp"
#include "domains/cloud/first_boot.hpp"
#include "domains/cloud/here_rules.hpp"
#include "domains/cloud/launch.hpp"
#include "domains/cloud/local.hpp"

namespace mlops {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

// Waiting for EC2: after 1 s, 2 s, then every 3 s.
constexpr Milliseconds first_wait = 1s, longest_wait = 3s;

// Asks until there is an answer. Error if there is none in time.
template <class Answer>
Answer poll(const aws::Client& client, Milliseconds limit, const std::string& what,
            const std::function<std::optional<Answer>()>& ask) {
  const auto end = Clock::now() + limit;
  for (Milliseconds pause = first_wait;; pause = std::min(pause + first_wait, longest_wait)) {
    if (auto answer = ask()) return *std::move(answer);
    if (Clock::now() >= end)
      throw Error(fmt::format("{} did not end within {} min", what,
                              std::chrono::duration_cast<std::chrono::minutes>(limit).count()));
    client.wait()(pause);
  }
}

CloudTags own_tag(const char* type, const std::string& name) {
  return {{cloud_tag, fmt::format("{}/{}", type, name)}, {"Name", name}};
}

aws::SecurityGroupRule rule_for(const CloudRule& rule) {
  aws::SecurityGroupRule made;
  made.id = rule.id;
  made.protocol = rule.protocol;
  made.from_port = rule.from_port;
  made.to_port = rule.to_port;
  (rule.cidr.find(':') == rule.cidr.npos ? made.cidr_ipv4 : made.cidr_ipv6) = rule.cidr;
  made.source_group_id = rule.group;
  made.description = rule.description;
  return made;
}

std::vector<aws::SecurityGroupRule> rules_for(const std::vector<CloudRule>& rules) {
  std::vector<aws::SecurityGroupRule> made;
  for (const CloudRule& rule : rules) made.push_back(rule_for(rule));
  return made;
}

// The id of the ingress rule that lets in the same; "" if there is none.
std::string id_of(const std::vector<aws::SecurityGroupRule>& rules, const CloudRule& wanted) {
  for (const aws::SecurityGroupRule& rule : rules)
    if (!rule.is_egress && rule.protocol == wanted.protocol && rule.from_port == wanted.from_port &&
        rule.to_port == wanted.to_port && rule.cidr_ipv4 + rule.cidr_ipv6 == wanted.cidr &&
        rule.source_group_id + rule.prefix_list_id == wanted.group)
      return rule.id;
  return "";
}

// One rule in place of another is changed in one call, so that no connection is lost in between.
void change_rules(aws::Client& client, const CloudGroup& group, std::vector<CloudRule> add,
                  const std::vector<std::string>& remove) {
  if (add.size() == 1 && remove.size() == 1) {
    add.front().id = remove.front();
    return aws::modify_rules(client, group.id, rules_for(add));
  }
  if (!add.empty())
    aws::authorize_ingress(client, group.id, rules_for(add), own_tag("ec2_security_group", group.name));
  if (!remove.empty()) aws::revoke_ingress(client, group.id, remove);
}

}  // namespace

void LocalCloud::perform(const ImportKeyPair& action) const {
  std::string line = action.public_key;
  if (!action.file.empty()) {
    const auto own = public_key(action.file);
    if (!own) throw Error("there is no private key at " + action.file);
    line = *own;
  }
  advised(account(action.scope), [&](aws::Account& a) {
    if (const auto taken = aws::find_key_pair(a.client(), action.name)) {
      if (aws::same_public_key(taken->public_key, line)) return;
      throw Error(
          fmt::format("the account has another key of the name {} ({})", action.name, taken->fingerprint));
    }
    aws::import_key_pair(a.client(), action.name, line, own_tag("ec2_key_pair", action.name));
    // Lists lag behind.
    poll<bool>(a.client(), 2min, "waiting for the new key pair", [&]() -> std::optional<bool> {
      return aws::find_key_pair(a.client(), action.name) ? std::optional(true) : std::nullopt;
    });
  });
}

void LocalCloud::perform(const DeleteKeyPair& action) const {
  advised(account(action.scope), [&](aws::Account& a) {
    if (const auto pair = aws::find_key_pair(a.client(), action.name))
      aws::delete_key_pair(a.client(), pair->id);
  });
}

void LocalCloud::perform(const CreateCloudGroup& action) const {
  advised(account(action.scope), [&](aws::Account& a) {
    const CloudTags tags = own_tag("ec2_security_group", action.name);
    const std::string vpc = vpc_or_default(a.client(), action.vpc);
    try {
      aws::create_security_group(a.client(), {action.name, action.description, vpc, tags});
    } catch (const aws::AwsError& error) {
      if (error.code() != "InvalidGroup.Duplicate") throw;
    }
    // Lists lag behind: what follows needs it by its name.
    const CloudGroup made = poll<CloudGroup>(a.client(), 2min, "the new security group",
                                             [&] { return find_group(a.client(), vpc, action.name); });
    const auto tag = made.tags.find(cloud_tag);
    if (tag == made.tags.end() || tag->second != tags.at(cloud_tag))
      throw Error(fmt::format("the security group {} ({}) was not made by mlops-agent", action.name, made.id));
  });
}

void LocalCloud::perform(const DeleteCloudGroup& action) const {
  advised(account(action.scope), [&](aws::Account& a) {
    const auto group = find_group(a.client(), action.vpc, action.name);
    if (!group) return;
    tell("deleting the security group " + action.name);
    poll<bool>(a.client(), 5min, "deleting the security group", [&]() -> std::optional<bool> {
      try {
        aws::delete_security_group(a.client(), group->id);
      } catch (const aws::AwsError& error) {
        if (error.code() != "DependencyViolation") throw;
        return std::nullopt;  // an instance that was just terminated
      }
      return true;
    });
  });
}

void LocalCloud::perform(const ChangeCloudRules& action) const {
  advised(account(action.scope), [&](aws::Account& a) {
    const auto group = find_group(a.client(), action.vpc, action.group);
    if (!group) throw Error("there is no security group " + action.group);
    const auto with_id = [&](CloudRule rule) {
      if (rule.group.empty() || rule.group.starts_with("sg-")) return rule;
      const auto other = find_group(a.client(), group->vpc, rule.group);
      if (!other) throw Error("there is no security group " + rule.group);
      rule.group = other->id;
      return rule;
    };
    const std::vector<aws::SecurityGroupRule> existing = aws::describe_rules(a.client(), group->id);
    std::vector<CloudRule> add;
    std::vector<std::string> remove;
    for (const CloudRule& rule : action.add)
      if (const CloudRule one = with_id(rule); id_of(existing, one).empty()) add.push_back(one);
    for (const CloudRule& rule : action.remove)
      if (const std::string id = id_of(existing, with_id(rule)); !id.empty()) remove.push_back(id);
    const std::string here = own_here_description();
    if (std::any_of(add.begin(), add.end(), [&](const CloudRule& rule) { return rule.description == here; }))
      keep_here(a, action.scope);
    change_rules(a.client(), *group, add, remove);
    poll<bool>(a.client(), 2min, "waiting for the changed rules", [&]() -> std::optional<bool> {
      const auto now = aws::describe_rules(a.client(), group->id);
      const auto has = [&](const CloudRule& rule) { return !id_of(now, rule).empty(); };
      return std::all_of(add.begin(), add.end(), has) ? std::optional(true) : std::nullopt;
    });
  });
}

std::vector<std::string> LocalCloud::move_here(const CloudScope& scope, const std::string& cidr) const {
  return advised(account(scope), [&](aws::Account& a) {
    const std::string here = own_here_description();
    const auto is_moved = [&](const aws::SecurityGroupRule& rule) {
      const std::string& source = cidr.find(':') == cidr.npos ? rule.cidr_ipv4 : rule.cidr_ipv6;
      const bool is_single = source.ends_with(cidr.substr(cidr.find('/')));
      return !rule.is_egress && rule.description == here && is_single && source != cidr;
    };
    std::vector<std::string> moved;
    for (const aws::SecurityGroup& group :
         aws::describe_security_groups(a.client(), {{}, {{"tag-key", {cloud_tag}}}})) {
      if (std::none_of(group.ingress.begin(), group.ingress.end(), is_moved)) continue;
      const auto rules = aws::describe_rules(a.client(), group.id);
      for (const aws::SecurityGroupRule& rule : rules) {
        if (!is_moved(rule)) continue;
        CloudRule here_now{.protocol = rule.protocol, .from_port = rule.from_port, .to_port = rule.to_port};
        here_now.cidr = cidr, here_now.description = here;
        std::vector<CloudRule> add;
        if (id_of(rules, here_now).empty()) add.push_back(here_now);
        change_rules(a.client(), {.id = group.id, .name = group.name}, add, {rule.id});
        moved.push_back(fmt::format("{}: {} → {}", group.name, rule.cidr_ipv4 + rule.cidr_ipv6, cidr));
      }
    }
    return moved;
  });
}

// Until the instance is in that state, with its address if it runs.
aws::Instance LocalCloud::wait_for(const CloudScope& scope, const std::string& id,
                                   aws::InstanceState end) const {
  aws::Client& client = account(scope).client();
  const std::string what = fmt::format("waiting for {} to be {}", id, aws::to_string(end));
  tell(what);
  return poll<aws::Instance>(client, 10min, what, [&]() -> std::optional<aws::Instance> {
    for (aws::Instance& one : by_id_if_known(client, id)) {
      const bool has_ended =
          one.state == aws::InstanceState::terminated || one.state == aws::InstanceState::shutting_down;
      if (has_ended && end != aws::InstanceState::terminated)
        throw Error(fmt::format("the instance {} ended: {}", id,
                                one.state_reason.empty() ? one.reason : one.state_reason));
      const bool has_address = end != aws::InstanceState::running || !one.private_address.empty();
      if (one.state == end && has_address) return std::move(one);
    }
    return std::nullopt;
  });
}

void LocalCloud::perform(const PowerInstance& action) const {
  advised(account(action.scope), [&](aws::Account& a) {
    if (action.verb == PowerInstance::Verb::terminate) return terminate(a, action);
    std::string id = action.id;
    if (id.empty()) {
      const CloudInstances found = instances(action.scope, action.name);
      if (found.alive.size() != 1) throw Error(fmt::format("there is no instance {} any more", action.name));
      id = found.alive.front().id;
    }
    set_power(a, action.scope, id, action.verb == PowerInstance::Verb::start);
  });
}

void LocalCloud::set_power(aws::Account& a, const CloudScope& scope, const std::string& id, bool on) const {
  using State = aws::InstanceState;
  const auto found = by_id_if_known(a.client(), id);
  if (found.empty()) throw Error(fmt::format("there is no instance {} any more", id));
  const State now = found.front().state;
  if (on) {
    if (now == State::stopping) wait_for(scope, id, State::stopped);
    if (now != State::running && now != State::pending) aws::start_instances(a.client(), {id});
    wait_for(scope, id, State::running);
  } else {
    if (now == State::pending) wait_for(scope, id, State::running);
    if (now != State::stopped && now != State::stopping) aws::stop_instances(a.client(), {id});
    wait_for(scope, id, State::stopped);
  }
}

// An interrupted launch is sent once more, to know what it made.
void LocalCloud::terminate(aws::Account& a, const PowerInstance& action) const {
  const LaunchRecords all = records(action.scope);
  LaunchRecord record = all.read(action.name).value_or(LaunchRecord());
  std::vector<std::string> ids;
  for (const CloudInstance& one : instances(action.scope, action.name).alive)
    if (action.id.empty() || one.id == action.id) ids.push_back(one.id);
  if (record.is_open()) {
    if (const std::string made = resume_launch(a.client(), record); !made.empty()) {
      record.instance = made;
      if (!contains(ids, made)) ids.push_back(made);
    } else {
      record.body.clear();
    }
  }
  // It is known first: an interruption is no end that somebody else made.
  if (!ids.empty()) record.ended = ids.back();
  if (!record.body.empty() || !record.ended.empty()) all.write(action.name, record);
  for (const std::string& id : ids) {
    aws::terminate_instances(a.client(), {id});
    wait_for(action.scope, id, aws::InstanceState::terminated);
  }
}

void LocalCloud::perform(const ModifyInstance& action) const {
  advised(account(action.scope), [&](aws::Account& a) {
    if (!action.type.empty()) aws::set_instance_type(a.client(), action.id, action.type);
    if (!action.groups.empty()) aws::set_instance_groups(a.client(), action.id, action.groups);
    if (!action.tags.empty()) aws::create_tags(a.client(), {action.id}, action.tags);
    if (action.require_tokens) aws::set_metadata_options(a.client(), action.id, true, 1);
    if (!action.host_key.empty()) pin_host_key(who_, action.id, action.host_key);
    if (action.disk_gib == 0 && action.disk_type.empty()) return;
    const CloudInstances found = instances(action.scope, action.name);
    if (found.alive.size() != 1) throw Error(fmt::format("there is no instance {} any more", action.id));
    const std::string& disk = found.alive.front().disk;
    aws::modify_volume(a.client(), disk, {action.disk_gib, action.disk_type});
    poll<bool>(a.client(), 5min, "growing the disk " + disk, [&]() -> std::optional<bool> {
      const auto change = aws::volume_modification(a.client(), disk);
      if (change && change->state == "failed")
        throw Error(fmt::format("the disk {} was not changed: {}", disk, change->message));
      if (change && change->state != "modifying" && !change->state.empty()) return true;
      return std::nullopt;
    });
  });
}

void LocalCloud::perform(const ChangeCloudAddress& action) const {
  advised(account(action.scope), [&](aws::Account& a) {
    auto existing = address(action.scope, action.name);
    if (!action.present) {
      if (!existing) return;
      if (!existing->association.empty()) aws::disassociate_address(a.client(), existing->association);
      aws::release_address(a.client(), existing->id);
      return;
    }
    if (!existing) {
      const aws::Address made = aws::allocate_address(a.client(), own_tag("ec2_address", action.name));
      existing = CloudAddress{made.address, made.allocation_id, "", "", made.tags};
    }
    if (existing->instance == action.instance) return;
    if (!existing->association.empty()) aws::disassociate_address(a.client(), existing->association);
    if (!action.instance.empty()) aws::associate_address(a.client(), existing->id, action.instance);
  });
}

}  // namespace mlops
