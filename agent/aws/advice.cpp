// What a person should do about an error of AWS, by code.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "aws/errors.hpp"
#include "base/printable.hpp"

namespace mlops::aws {
namespace {

using Code = std::string_view;
using Message = std::string_view;
using Sentence = std::string (*)(Code code, Message message, const AdviceContext& context);

bool has(Message message, std::string_view part) { return message.find(part) != message.npos; }

// The console of a service in the region. AWS China and others have consoles of their own.
std::string quota_link(const std::string& region, const char* quota) {
  return fmt::format("https://{}.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/{}", region,
                     quota);
}

std::string login_command(const AdviceContext& c) {
  const SourceKind kind = c.used ? c.used->source.kind : SourceKind::given;
  const std::string flag = c.profile.empty() || c.profile == "default" ? "" : " --profile " + c.profile;
  switch (kind) {
    case SourceKind::sso:
      return "run `aws sso login" + flag + "`";
    case SourceKind::login:
      return "run `aws login" + flag + "`";
    case SourceKind::environment:
      return "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew";
    default:
      return "get new credentials; for a profile with SSO: `aws sso login" + flag + "`";
  }
}

std::string used_key(const AdviceContext& c) {
  if (!c.used) return "";
  return fmt::format("the key {} is from {}", shown_key_id(c.used->access_key_id), describe(c.used->source));
}

std::string on_vcpus(Code, Message, const AdviceContext& c) {
  return fmt::format(
      "the account may not run more virtual CPUs at a time here: stop another instance, take a smaller type, "
      "or "
      "ask for more (quota L-1216C47A for ordinary types, L-DB2E81BA for G and VT types): {}",
      quota_link(c.region, "L-1216C47A"));
}

std::string on_limit(Code code, Message, const AdviceContext& c) {
  static constexpr std::pair<Code, const char*> rows[] = {
      {"AddressLimitExceeded", "Elastic IP addresses (5 by default): release one that is not used"},
      {"VolumeLimitExceeded", "disk space: delete volumes that no instance uses"},
      {"KeyPairLimitExceeded", "key pairs (5,000): delete old ones"},
      {"SecurityGroupLimitExceeded", "security groups: delete those that no instance uses"},
      {"RulesPerSecurityGroupLimitExceeded", "rules of one security group (60 by default): remove old ones"},
      {"TagLimitExceeded", "tags of one resource (50): remove some"},
  };
  const auto row =
      std::find_if(std::begin(rows), std::end(rows), [&](const auto& r) { return r.first == code; });
  const char* what = row == std::end(rows) ? "what was asked for: make room" : row->second;
  return fmt::format(
      "the account has reached its limit of {}, or ask for more in the Service Quotas console of {}", what,
      c.region);
}

std::string on_combination(Code, Message message, const AdviceContext& c) {
  if (!has(message, "Free Tier")) return "these parameters do not go together; the message says which";
  std::string types;
  for (const std::string& type : c.free_types) types += (types.empty() ? "" : ", ") + type;
  if (types.empty()) types = "t3.micro, t3.small, t4g.micro, t4g.small, c7i-flex.large, m7i-flex.large";
  return fmt::format(
      "the account is on the Free Plan (accounts made since 15 July 2025), which runs only some types: choose "
      "one "
      "of {}, or upgrade the account to the Paid Plan",
      types);
}

std::string on_verification(Code, Message, const AdviceContext&) {
  return "AWS is still verifying the account for this region, which takes minutes to some hours: try again "
         "then";
}

std::string on_opt_in(Code, Message message, const AdviceContext& c) {
  if (has(message, "marketplace") || has(message, "Marketplace"))
    return "the image is from the AWS Marketplace: accept its terms at the link in the message, then try again";
  return fmt::format(
      "the account is not enabled for this service or region: enable {} in the console under Account, AWS "
      "Regions, "
      "or complete the account's sign-up",
      c.region);
}

std::string on_blocked(Code, Message, const AdviceContext&) {
  return "AWS has blocked the account: write to AWS support, https://console.aws.amazon.com/support";
}

std::string on_denied(Code, Message message, const AdviceContext& c) {
  std::string action = printable(denied_action(message));
  if (action.empty() && !c.action.empty()) action = "ec2:" + c.action;
  std::string text = action.empty() ? "these credentials lack a right"
                                    : fmt::format("these credentials lack the right {}", action);
  text += ": ask the account's administrator to allow it";
  if (has(message, "explicit deny"))
    text += "; a policy denies it explicitly, so allowing it elsewhere is not enough";
  if (c.used) text += "; " + used_key(c);
  return text;
}

std::string on_wrong_key(Code code, Message, const AdviceContext& c) {
  std::string text = c.used ? used_key(c) + ": " : "";
  if (code == "SignatureDoesNotMatch") {
    text += "its secret is wrong; copy it anew";
  } else {
    text += "AWS does not know it, or it was deleted or made inactive";
  }
  if (std::llabs(c.clock_ahead) > 240)
    text += fmt::format("; also, this machine's clock is {} s {}", std::llabs(c.clock_ahead),
                        c.clock_ahead > 0 ? "ahead" : "behind");
  else if (code == "AuthFailure" && !c.region.empty())
    text += fmt::format("; or the region {} is not enabled for the account", c.region);
  return text;
}

std::string on_expired(Code, Message, const AdviceContext& c) {
  return fmt::format("the session has expired: {}", login_command(c));
}

std::string on_clock(Code, Message, const AdviceContext& c) {
  if (std::llabs(c.clock_ahead) <= 60) return "the request came too late: try again; the network is very slow";
  return fmt::format(
      "this machine's clock is {} s {}: set it right, for instance with `timedatectl set-ntp true`",
      std::llabs(c.clock_ahead), c.clock_ahead > 0 ? "ahead" : "behind");
}

std::string on_no_vpc(Code, Message, const AdviceContext& c) {
  return fmt::format(
      "{} has no default VPC: name a `subnet`, or make one with `aws ec2 create-default-vpc --region {}`",
      c.region, c.region);
}

std::string on_duplicate(Code code, Message, const AdviceContext&) {
  return code == "InvalidKeyPair.Duplicate"
             ? "the account has another key pair of this name: choose another name, or delete it there"
             : "the account has another security group of this name: choose another name, or adopt it";
}

std::string on_key_format(Code, Message, const AdviceContext&) {
  return "EC2 takes RSA and ED25519 keys only: make one with `ssh-keygen -t ed25519`";
}

std::string on_image(Code code, Message, const AdviceContext& c) {
  if (code == "InvalidAMIID.Unavailable") return "the image was withdrawn: choose a newer one";
  return fmt::format("images have another id in each region: this one is not in {}; name the image instead",
                     c.region);
}

std::string on_parameter(Code, Message, const AdviceContext&) {
  return "AWS refuses what was asked for; its message says why";
}

std::string on_protected(Code, Message, const AdviceContext&) {
  return "termination protection is on: switch it off first, in the console under Instance settings, or with "
         "`aws ec2 "
         "modify-instance-attribute --no-disable-api-termination`";
}

std::string on_unsupported(Code, Message, const AdviceContext&) {
  return "this instance cannot do that: a one-time spot instance cannot be stopped, and hibernation must have "
         "been "
         "enabled at its launch";
}

std::string on_token(Code code, Message, const AdviceContext&) {
  return code == "IdempotentInstanceTerminated"
             ? "the instance of this request was terminated since: a new one needs a new request"
             : "a request with the same token was sent before with other parameters: this is a mistake of the "
               "agent";
}

struct AdviceRow {
  Code code;
  Sentence sentence;
};

constexpr AdviceRow advice_table[] = {
    {"VcpuLimitExceeded", on_vcpus},
    {"InstanceLimitExceeded", on_vcpus},
    {"AddressLimitExceeded", on_limit},
    {"VolumeLimitExceeded", on_limit},
    {"KeyPairLimitExceeded", on_limit},
    {"SecurityGroupLimitExceeded", on_limit},
    {"RulesPerSecurityGroupLimitExceeded", on_limit},
    {"TagLimitExceeded", on_limit},
    {"InvalidParameterCombination", on_combination},
    {"PendingVerification", on_verification},
    {"OptInRequired", on_opt_in},
    {"Blocked", on_blocked},
    {"UnauthorizedOperation", on_denied},
    {"AccessDenied", on_denied},
    {"AccessDeniedException", on_denied},
    {"AuthFailure", on_wrong_key},
    {"InvalidClientTokenId", on_wrong_key},
    {"SignatureDoesNotMatch", on_wrong_key},
    {"UnrecognizedClientException", on_wrong_key},
    {"MissingAuthenticationToken", on_wrong_key},
    {"ExpiredToken", on_expired},
    {"ExpiredTokenException", on_expired},
    {"RequestExpired", on_clock},
    {"VPCIdNotSpecified", on_no_vpc},
    {"DefaultVpcDoesNotExist", on_no_vpc},
    {"MissingInput", on_no_vpc},
    {"InvalidKeyPair.Duplicate", on_duplicate},
    {"InvalidGroup.Duplicate", on_duplicate},
    {"InvalidKey.Format", on_key_format},
    {"InvalidKeyPair.Format", on_key_format},
    {"InvalidAMIID.NotFound", on_image},
    {"InvalidAMIID.Malformed", on_image},
    {"InvalidAMIID.Unavailable", on_image},
    {"InvalidParameterValue", on_parameter},
    {"InvalidParameter", on_parameter},
    {"MissingParameter", on_parameter},
    {"UnknownParameter", on_parameter},
    {"InvalidBlockDeviceMapping", on_parameter},
    {"InvalidUserData.Malformed", on_parameter},
    {"InvalidSubnetID.NotFound", on_parameter},
    {"InvalidVpcID.NotFound", on_parameter},
    {"OperationNotPermitted", on_protected},
    {"UnsupportedOperation", on_unsupported},
    {"IdempotentParameterMismatch", on_token},
    {"IdempotentInstanceTerminated", on_token},
};

}  // namespace

std::string advice(std::string_view code, std::string_view message, const AdviceContext& context) {
  const auto row = std::find_if(std::begin(advice_table), std::end(advice_table),
                                [&](const AdviceRow& r) { return r.code == code; });
  return row == std::end(advice_table) ? "" : row->sentence(code, message, context);
}

}  // namespace mlops::aws
