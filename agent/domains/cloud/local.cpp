// What is read of an account.
#include "domains/cloud/local.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "aws/ec2/addresses.hpp"
#include "aws/ec2/keys.hpp"
#include "aws/ec2/network.hpp"
#include "aws/ec2/volumes.hpp"
#include "aws/own_file.hpp"
#include "base/base64.hpp"
#include "base/printable.hpp"
#include "base/questions.hpp"
#include "domains/accounts/acting_user.hpp"
#include "domains/cloud/advised.hpp"
#include "domains/cloud/console_keys.hpp"
#include "domains/cloud/first_boot.hpp"
#include "domains/cloud/here_rules.hpp"
#include "http/client.hpp"
#include "ssh/key_pair.hpp"
#include "ssh/key_text.hpp"

extern char** environ;

namespace mlops {
namespace {

constexpr const char* own_address_url = "https://checkip.amazonaws.com/";
constexpr std::chrono::milliseconds address_stall{10'000};
constexpr std::chrono::minutes shortest_between_codes{5};
// EC2 shows what a console says some minutes after the start.
constexpr std::chrono::seconds first_words{120};

// The variables of this process.
std::map<std::string, std::string> variables() {
  std::map<std::string, std::string> all;
  for (char** one = environ; one && *one; ++one) {
    const std::string_view text = *one;
    if (const std::size_t equals = text.find('='); equals != text.npos)
      all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

CloudPower power_of(aws::InstanceState state) {
  switch (state) {
    case aws::InstanceState::running:
      return CloudPower::running;
    case aws::InstanceState::shutting_down:
      return CloudPower::shutting_down;
    case aws::InstanceState::terminated:
      return CloudPower::terminated;
    case aws::InstanceState::stopping:
      return CloudPower::stopping;
    case aws::InstanceState::stopped:
      return CloudPower::stopped;
    case aws::InstanceState::pending:
    case aws::InstanceState::unknown:
      break;
  }
  return CloudPower::pending;
}

std::string name_in(const CloudTags& tags) {
  const auto tag = tags.find(cloud_tag);
  if (tag == tags.end()) return "";
  return tag->second.substr(tag->second.find('/') + 1);
}

CloudInstance instance_of(const aws::Instance& from) {
  CloudInstance one;
  one.id = from.id;
  one.name = name_in(from.tags);
  one.image = from.image_id;
  one.type = from.type;
  one.zone = from.zone;
  one.subnet = from.subnet_id;
  one.vpc = from.vpc_id;
  one.key_pair = from.key_name;
  one.power = power_of(from.state);
  one.launched = from.launched.value_or(0);
  one.reason = from.state_reason.empty() ? from.reason : from.state_reason;
  one.public_address = from.public_address;
  one.private_address = from.private_address;
  for (const aws::GroupName& group : from.groups) one.groups.push_back(group.id);
  std::sort(one.groups.begin(), one.groups.end());
  for (const aws::InstanceDisk& disk : from.disks)
    if (disk.device == from.root_device) one.disk = disk.volume_id;
  one.requires_tokens = from.http_tokens == "required";
  one.tags = from.tags;
  return one;
}

void add_disk(aws::Client& client, CloudInstance& instance) {
  if (instance.disk.empty()) return;
  for (const aws::Volume& volume : aws::describe_volumes(client, {{instance.disk}, {}})) {
    instance.disk_type = volume.type;
    instance.disk_gib = volume.size_gib;
  }
}

// Until its key is replaced, at the first connection. It is one more witness: where it cannot be heard, nothing
// is concluded.
void add_console_key(aws::Client& client, const ActingUser& who, CloudInstance& instance) try {
  const bool is_silent = client.now() - instance.launched < first_words.count();
  if (instance.power != CloudPower::running || is_silent) return;
  const std::string handed = handed_host_key(who, instance.id);
  if (handed.empty()) return;
  const aws::ConsoleOutput console = aws::console_output(client, instance.id, false);
  instance.console_key = key_against(keys_on_console(console.text), handed);
} catch (const Error& e) {
  if (e.kind() == ErrorKind::cancelled) throw;
}

CloudRule rule_of(const aws::SecurityGroupRule& from) {
  return {.protocol = from.protocol,
          .from_port = from.from_port,
          .to_port = from.to_port,
          .cidr = from.cidr_ipv4.empty() ? from.cidr_ipv6 : from.cidr_ipv4,
          .group = from.source_group_id.empty() ? from.prefix_list_id : from.source_group_id,
          .description = from.description,
          .id = from.id};
}

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool is_mfa_code(const std::string& text) {
  return text.size() == 6 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string line_of(const std::string& blob) { return key_type(blob) + " " + to_base64(blob); }

aws::Filter tagged(const char* type, const std::string& name) {
  return aws::tag_filter(cloud_tag, fmt::format("{}/{}", type, name));
}

}  // namespace

LocalCloud::LocalCloud(const ActingUser& who, const Cancellation& cancellation, const ProgressSink& progress)
    : who_(who), cancellation_(cancellation), progress_(progress) {}
LocalCloud::~LocalCloud() = default;

aws::Account& LocalCloud::account(const CloudScope& scope) const {
  auto& slot = accounts_[scope];
  aws::AskMfaCode ask;
  if (Questions::possible())
    ask = [this, scope](const std::string& serial, const std::string& profile) {
      return ask_mfa_code(scope, serial, profile);
    };
  if (!slot)
    slot = std::make_unique<aws::Account>(
        aws::AccountSettings{.environment = {variables(), who_},
                             .profile = scope.profile,
                             .profile_where = scope.profile.empty() ? "" : "the playbook",
                             .region = scope.region,
                             .region_where = scope.region.empty() ? "" : "the playbook",
                             .ask_mfa_code = std::move(ask)},
        cancellation_);
  return *slot;
}

// A code is good once and for half a minute: it is not kept, and shown as it is typed, as by AWS's own tools.
// Where it was wrong, the other resources do not each ask again.
std::string LocalCloud::ask_mfa_code(const CloudScope& scope, const std::string& serial,
                                     const std::string& profile) const {
  const auto now = std::chrono::steady_clock::now();
  const auto [asked, is_first] = asked_codes_.emplace(scope, now);
  if (!is_first && now - asked->second < shortest_between_codes)
    throw Error(
        fmt::format("the code of the MFA device {} was not taken; the next run asks again", printable(serial)),
        ErrorKind::denied);
  asked->second = now;
  Questions questions([this] {
    if (progress_) progress_({"", 0, 0});
  });
  questions.heed(cancellation_);
  auto code = questions.ask(
      fmt::format("Code of the MFA device {} for the profile {}: ", printable(serial), printable(profile)),
      true);
  cancellation_.check();
  if (code && !code->empty() && code->back() == '\r') code->pop_back();
  if (!code || !is_mfa_code(*code))
    throw Error(fmt::format("a code of the MFA device {} has six digits", printable(serial)),
                ErrorKind::denied);
  return *std::move(code);
}

CloudCaller LocalCloud::caller(const CloudScope& scope) const {
  return advised(account(scope), [&](aws::Account& a) {
    const aws::CallerIdentity& who = a.caller();
    return CloudCaller{who.account, who.arn, aws::describe(a.credentials().source), a.region().name,
                       a.region().source};
  });
}

std::optional<CloudKeyPair> LocalCloud::key_pair(const CloudScope& scope, const std::string& name) const {
  return advised(account(scope), [&](aws::Account& a) -> std::optional<CloudKeyPair> {
    const auto found = aws::find_key_pair(a.client(), name);
    if (!found) return std::nullopt;
    return CloudKeyPair{found->id, found->name, found->public_key, found->fingerprint, found->tags};
  });
}

std::string LocalCloud::vpc_or_default(aws::Client& client, const std::string& vpc) const {
  if (!vpc.empty()) return vpc;
  return default_vpc_id(client);
}

std::optional<CloudGroup> LocalCloud::find_group(aws::Client& client, const std::string& vpc,
                                                 const std::string& name) const {
  const aws::Selection selection{{}, {{"group-name", {name}}, {"vpc-id", {vpc_or_default(client, vpc)}}}};
  const auto groups = aws::describe_security_groups(client, selection);
  if (groups.empty()) return std::nullopt;
  const aws::SecurityGroup& from = groups.front();
  CloudGroup group{from.id, from.name, from.vpc_id, from.description, from.tags, {}};
  for (const aws::SecurityGroupRule& rule : from.ingress) group.rules.push_back(rule_of(rule));
  return group;
}

std::optional<CloudGroup> LocalCloud::group(const CloudScope& scope, const std::string& vpc,
                                            const std::string& name) const {
  // An instance asks for the group that its own resource has just looked at.
  const auto now = std::chrono::steady_clock::now();
  for (const SeenGroup& seen : seen_groups_)
    if (seen.scope == scope && seen.group.name == name &&
        (vpc.empty() ? seen.is_default : seen.group.vpc == vpc) && now - seen.when < std::chrono::seconds(3))
      return seen.group;
  auto found = advised(account(scope), [&](aws::Account& a) { return find_group(a.client(), vpc, name); });
  if (found) seen_groups_.push_back({scope, *found, vpc.empty(), now});
  return found;
}

LaunchRecords LocalCloud::records(const CloudScope& scope) const {
  aws::Account& a = account(scope);
  return {own_state_home(who_) + "/cloud", a.caller().account, a.region().name, {variables(), who_}};
}

void LocalCloud::keep_here(aws::Account& account, const CloudScope& scope) const {
  const std::map<std::string, std::string> all = variables();
  HereAccounts(own_state_home(who_) + "/cloud", {all, who_})
      .add({{scope.profile, account.region().name}, account_variables(all)});
}

// Lists of EC2 may lag behind: what a record says was launched is also asked for by its id.
CloudInstances LocalCloud::instances(const CloudScope& scope, const std::string& name) const {
  return advised(account(scope), [&](aws::Account& a) {
    CloudInstances found;
    std::vector<aws::Instance> listed =
        aws::describe_instances(a.client(), {{}, {tagged("ec2_instance", name)}});
    if (const auto record = records(scope).read(name)) {
      found.launching = record->is_open();
      found.ended_here = record->ended;
      if (record->instance != record->ended) found.launched_here = record->instance;
      const bool is_listed = std::any_of(listed.begin(), listed.end(),
                                         [&](const aws::Instance& one) { return one.id == record->instance; });
      if (!record->instance.empty() && !is_listed)
        for (aws::Instance& one : by_id_if_known(a.client(), record->instance))
          listed.push_back(std::move(one));
    }
    for (const aws::Instance& one : listed) {
      CloudInstance instance = instance_of(one);
      if (instance.is_alive()) {
        add_disk(a.client(), instance);
        add_console_key(a.client(), who_, instance);
        found.alive.push_back(std::move(instance));
      } else if (!found.gone || found.gone->launched < instance.launched) {
        found.gone = std::move(instance);
      }
    }
    return found;
  });
}

std::vector<CloudInstance> LocalCloud::all_instances(const CloudScope& scope) const {
  return advised(account(scope), [&](aws::Account& a) {
    std::vector<CloudInstance> all;
    for (const aws::Instance& one : aws::describe_instances(a.client(), {{}, {{"tag-key", {cloud_tag}}}}))
      all.push_back(instance_of(one));
    return all;
  });
}

std::optional<CloudAddress> LocalCloud::address(const CloudScope& scope, const std::string& name) const {
  return advised(account(scope), [&](aws::Account& a) -> std::optional<CloudAddress> {
    const auto found = aws::describe_addresses(a.client(), {tagged("ec2_address", name)});
    if (found.empty()) return std::nullopt;
    if (found.size() > 1)
      throw Error(fmt::format("{} addresses carry the tag of {}; release all but one", found.size(), name));
    const aws::Address& one = found.front();
    return CloudAddress{one.address, one.allocation_id, one.association_id, one.instance_id, one.tags};
  });
}

std::string LocalCloud::own_address() const {
  if (!own_address_.empty()) return own_address_;
  const char* other = std::getenv("MLOPS_AGENT_OWN_ADDRESS_URL");
  const std::string url = other && *other ? other : own_address_url;
  HttpClient http(cancellation_, "", address_stall);
  HttpAnswer answer = http.ask({.url = url}, 1024);
  if (answer.result.end != HttpResult::End::answered || answer.result.response.status != 200)
    throw Error(fmt::format("the address of this machine cannot be found: {} answered {}", url,
                            answer.result.cause.empty() ? http_status_text(answer.result.response.status)
                                                        : answer.result.cause),
                ErrorKind::unavailable);
  std::string text = std::move(answer.body);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  if (!is_address(text))
    throw Error(fmt::format("the address of this machine cannot be found: {} answered no address", url),
                ErrorKind::unavailable);
  return own_address_ = text;
}

std::optional<std::string> LocalCloud::public_key(const std::string& path) const {
  const aws::Environment environment{{}, who_};
  const auto text = aws::read_own_file(path, environment);
  if (!text) return std::nullopt;
  if (auto line = public_half(*text)) return line;
  if (const auto beside = aws::read_own_file(path + ".pub", environment))
    if (const auto blob = public_key_in(*beside)) return line_of(*blob);
  throw Error(fmt::format(
      "the public half of {0} is not known: `ssh-keygen -y -f {0} > {0}.pub` writes it beside", path));
}

void LocalCloud::tell(const std::string& doing) const {
  if (progress_) progress_({doing, 0, 0});
}

}  // namespace mlops
