// How the reads of a cloud account are recorded in a plan.
#include <fmt/format.h>

#include "domains/cloud/domain.hpp"
#include "domains/cloud/object_name.hpp"

namespace mlops {

void note(const AskCaller& q, const AskCaller::Result& found, Preconditions& p) {
  p[to_string(CloudObject{"account", "caller", q.scope})] = fmt::format("{} in {}", found.arn, found.region);
}

void note(const FindKeyPair& q, const FindKeyPair::Result& found, Preconditions& p) {
  p[to_string(CloudObject{"ec2_key_pair", q.name, q.scope})] = found ? found->fingerprint : "absent";
}

void note(const FindCloudGroup& q, const FindCloudGroup::Result& found, Preconditions& p) {
  std::string text = found ? found->id : "absent";
  if (found)
    for (const CloudRule& r : found->rules)
      text += fmt::format(", {} {}-{} {}{}", r.protocol, r.from_port, r.to_port, r.cidr, r.group);
  p[to_string(CloudObject{"ec2_security_group", q.name, q.scope})] = text;
}

// Prices and newer images may differ at any time; what is launched is decided when it is launched.
void note(const AskOffer&, const AskOffer::Result&, Preconditions&) {}

void note(const FindInstances& q, const FindInstances::Result& found, Preconditions& p) {
  std::string text = found.alive.empty() ? "absent" : "";
  for (const CloudInstance& one : found.alive)
    text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", one.id, one.type,
                        one.power == CloudPower::running ? "running" : "not running");
  p[to_string(CloudObject{"ec2_instance", q.name, q.scope})] = text;
}

void note(const FindCloudAddress& q, const FindCloudAddress::Result& found, Preconditions& p) {
  p[to_string(CloudObject{"ec2_address", q.name, q.scope})] =
      found ? fmt::format("{} {}", found->id, found->instance) : "absent";
}

void note(const ListInstances&, const ListInstances::Result&, Preconditions&) {}

void note(const AskOwnAddress&, const AskOwnAddress::Result& found, Preconditions& p) {
  p["own address"] = found;
}

void note(const ReadPublicKey& q, const ReadPublicKey::Result& found, Preconditions& p) {
  p["public key of " + q.path] = found.value_or("absent");
}

}  // namespace mlops
