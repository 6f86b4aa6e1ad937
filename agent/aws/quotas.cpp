#include "aws/quotas.hpp"

#include "aws/json.hpp"

namespace mlops::aws {

std::optional<double> ec2_quota(Client& client, const std::string& code) {
  Value input;
  input.set("ServiceCode", "ec2");
  input.set("QuotaCode", code);
  try {
    const Value answer = client.json(Service::service_quotas, "GetServiceQuota", input);
    const Value* value = member_at(answer, {"Quota", "Value"});
    return value && value->is_number() ? std::optional(value->as_number()) : std::nullopt;
  } catch (const AwsError& error) {
    if (error.code() == "NoSuchResourceException" || error.code() == "AccessDeniedException") return {};
    throw;
  }
}

std::string vcpu_quota_of(const std::string& type) {
  const std::string family = type.substr(0, type.find_first_of("0123456789"));
  if (family == "g" || family == "gr" || family == "vt") return "L-DB2E81BA";
  if (family == "p") return "L-417A185B";
  return "L-1216C47A";
}

}  // namespace mlops::aws
