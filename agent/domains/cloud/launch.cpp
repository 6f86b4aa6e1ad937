// A request is durable before it is sent, with a token that is derived from it and its generation. EC2 answers
// the same request under the same token with the same instance. So what was interrupted is sent again, byte for
// byte; and before another request is made under the name, the account is asked whether an instance of the last
// one lives.
#include "domains/cloud/launch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aws/ec2/images.hpp"
#include "aws/ec2/network.hpp"
#include "aws/pricing.hpp"
#include "base/contains.hpp"
#include "domains/cloud/advised.hpp"
#include "domains/cloud/first_boot.hpp"
#include "domains/cloud/images.hpp"
#include "domains/cloud/local.hpp"

namespace mlops {
namespace {

// One place where the instance may be launched.
struct Candidate {
  std::string type, subnet, zone;
};

struct Network {
  std::string vpc;
  std::vector<aws::Subnet> subnets;
};

Network network_for(aws::Client& client, const std::string& subnet) {
  Network network;
  if (!subnet.empty()) {
    network.subnets = aws::describe_subnets(client, {{subnet}, {}});
  } else {
    const std::string vpc = default_vpc_id(client);
    network.subnets = aws::describe_subnets(
        client, {{}, {{"vpc-id", {vpc}}, {"default-for-az", {"true"}}, {"state", {"available"}}}});
  }
  std::erase_if(network.subnets, [](const aws::Subnet& one) { return one.free_addresses == 0; });
  if (network.subnets.empty()) throw Error("there is no subnet with a free address");
  network.vpc = network.subnets.front().vpc_id;
  std::sort(network.subnets.begin(), network.subnets.end(),
            [](const aws::Subnet& a, const aws::Subnet& b) { return a.zone < b.zone; });
  return network;
}

std::vector<Candidate> candidates(aws::Client& client, const Network& network,
                                  const std::vector<std::string>& types) {
  std::vector<Candidate> all;
  for (const std::string& type : types) {
    const std::vector<std::string> zones = aws::zones_of_type(client, type);
    for (const aws::Subnet& subnet : network.subnets)
      if (contains(zones, subnet.zone)) all.push_back({type, subnet.id, subnet.zone});
  }
  if (all.empty())
    throw Error(fmt::format("no zone of {} with a usable subnet offers {}", client.region().name,
                            fmt::join(types, ", ")));
  return all;
}

bool is_of_capacity(const aws::AwsError& error) {
  return error.error_class() == aws::ErrorClass::another_zone_or_type;
}

}  // namespace

CloudOffer LocalCloud::offer(const CloudScope& scope, const InstanceSpec& spec) const {
  return advised(account(scope), [&](aws::Account& a) {
    CloudOffer offer;
    const aws::Image image = find_image(a.client(), spec.image);
    offer.image = image.id;
    offer.image_name = image.name;
    offer.least_disk_gib = image.snapshot_gib;
    const Network network = network_for(a.client(), spec.subnet);
    offer.vpc = network.vpc;
    for (const Candidate& one : candidates(a.client(), network, spec.types)) {
      if (!contains(offer.types, one.type)) offer.types.push_back(one.type);
      if (!contains(offer.subnets, one.subnet)) offer.subnets.push_back(one.subnet);
    }
    const std::string& region = a.region().name;
    const auto hourly = aws::hourly_price(a.client(), offer.types.front(), region);
    const auto address = aws::hourly_price_of_address(a.client(), region);
    const auto disk =
        aws::monthly_price_of_gigabyte(a.client(), spec.disk_type.empty() ? "gp3" : spec.disk_type, region);
    constexpr double hours_a_month = 730;
    const auto gib = static_cast<double>(std::max(spec.disk_gib, image.snapshot_gib));
    if (hourly && address && disk) offer.hourly_running = *hourly + *address + *disk * gib / hours_a_month;
    if (disk) offer.monthly_stopped = *disk * gib;
    return offer;
  });
}

std::string resume_launch(aws::Client& client, const LaunchRecord& record) {
  try {
    return aws::run_instances(client, record.body).id;
  } catch (const aws::AwsError& error) {
    if (error.code() != "IdempotentInstanceTerminated" && !is_of_capacity(error)) throw;
    return "";
  }
}

// The machine's key is pinned before its launch counts as ended: what is interrupted between is done again. The
// request is forgotten then, as it holds the key's private half and the user data.
void end_launch(const LaunchRecords& records, const ActingUser& who, const std::string& name,
                LaunchRecord& record, const std::string& instance) {
  if (!record.host_key.empty()) keep_host_key(who, instance, record.host_key);
  record.instance = instance;
  record.body.clear();
  records.write(name, record);
}

// One launch: the record and what is needed for further requests.
class Launch {
 public:
  Launch(aws::Account& account, LaunchRecords records, const LaunchInstance& action, const ActingUser& who)
      : account_(account),
        client_(account.client()),
        records_(std::move(records)),
        action_(action),
        who_(who) {}

  // Until an instance was made; its record.
  LaunchRecord go(const std::function<bool()>& lives) {
    if (auto known = records_.read(action_.name)) record_ = *std::move(known);
    if (record_.is_open()) {
      if (const std::string made = resume_launch(client_, record_); !made.empty())
        return end_launch(records_, who_, action_.name, record_, made), record_;
    }
    const Network network = network_for(client_, action_.spec.subnet);
    const aws::Image image = find_image(client_, action_.spec.image);
    std::optional<aws::AwsError> last;
    for (const Candidate& candidate : candidates(client_, network, action_.spec.types)) {
      if (last && lives()) throw Error("an instance of the name has come into being meanwhile");
      prepare(candidate, image, network.vpc);
      try {
        send();
        return record_;
      } catch (const aws::AwsError& error) {
        if (!is_of_capacity(error)) throw;
        last = error;
      }
    }
    throw *last;
  }

 private:
  void send() {
    check_pinning(who_);
    const aws::Instance made = aws::run_instances(client_, record_.body);
    end_launch(records_, who_, action_.name, record_, made.id);
  }

  void prepare(const Candidate& candidate, const aws::Image& image, const std::string& vpc) {
    const FirstBoot boot = first_boot(action_.spec.user_data, action_.name);
    aws::InstanceRequest request;
    request.image_id = image.id;
    request.type = candidate.type;
    request.key_name = action_.spec.key_pair;
    request.user_data = boot.user_data;
    request.subnet_id = candidate.subnet;
    request.group_ids = group_ids(vpc);
    request.public_address = true;
    request.root_device = image.root_device;
    request.disk_gib = std::max(action_.spec.disk_gib, image.snapshot_gib);
    if (!action_.spec.disk_type.empty()) request.disk_type = action_.spec.disk_type;
    request.hop_limit = action_.spec.hop_limit;
    request.tags = action_.spec.tags;
    request.tags["Name"] = action_.name;
    request.tags[cloud_tag] = "ec2_instance/" + action_.name;
    const aws::Params params = aws::run_instances_params(request);
    ++record_.generation;
    record_.token = aws::client_token(params, record_.generation);
    record_.body = aws::run_instances_body(params, record_.token);
    record_.zone = candidate.zone;
    record_.type = candidate.type;
    record_.host_key = boot.host_key;
    record_.instance.clear();
    record_.begun = client_.now();
    records_.write(action_.name, record_);
  }

  std::vector<std::string> group_ids(const std::string& vpc) {
    std::vector<std::string> ids;
    for (const std::string& name : action_.spec.groups) {
      const auto found =
          aws::describe_security_groups(client_, {{}, {{"group-name", {name}}, {"vpc-id", {vpc}}}});
      if (found.empty()) throw Error(fmt::format("the VPC {} has no security group {}", vpc, name));
      ids.push_back(found.front().id);
    }
    return ids;
  }

  aws::Account& account_;
  aws::Client& client_;
  LaunchRecords records_;
  const LaunchInstance& action_;
  const ActingUser& who_;
  LaunchRecord record_;
};

void LocalCloud::perform(const LaunchInstance& action) const {
  advised(account(action.scope), [&](aws::Account& a) {
    const auto lives = [&] { return !instances(action.scope, action.name).alive.empty(); };
    const LaunchRecords all = records(action.scope);
    LaunchRecord record = all.read(action.name).value_or(LaunchRecord());
    const CloudInstances before = instances(action.scope, action.name);
    if (before.alive.empty()) {
      tell(fmt::format("launching {}", action.name));
      record = Launch(a, all, action, who_).go(lives);
    } else if (record.is_open()) {
      end_launch(all, who_, action.name, record, before.alive.front().id);
    }
    if (record.instance.empty()) record.instance = before.alive.front().id;
    wait_for(action.scope, record.instance, aws::InstanceState::running);
  });
}

}  // namespace mlops
