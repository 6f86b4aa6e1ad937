#include "aws/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/printable.hpp"

namespace mlops::aws {
namespace {

struct ErrorRow {
  std::string_view code;
  ErrorClass is;
};

constexpr ErrorRow error_table[] = {
    {"RequestLimitExceeded", ErrorClass::retry},
    {"Throttling", ErrorClass::retry},
    {"ThrottlingException", ErrorClass::retry},
    {"ThrottledException", ErrorClass::retry},
    {"RequestThrottled", ErrorClass::retry},
    {"RequestThrottledException", ErrorClass::retry},
    {"TooManyRequestsException", ErrorClass::retry},
    {"EC2ThrottledException", ErrorClass::retry},
    {"SlowDown", ErrorClass::retry},
    {"PriorRequestNotComplete", ErrorClass::retry},
    {"InternalError", ErrorClass::retry},
    {"InternalFailure", ErrorClass::retry},
    {"ServerInternal", ErrorClass::retry},
    {"ServiceUnavailable", ErrorClass::retry},
    {"Unavailable", ErrorClass::retry},
    {"RequestTimeout", ErrorClass::retry},
    {"RequestTimeoutException", ErrorClass::retry},
    {"ConcurrentTagAccess", ErrorClass::retry},

    {"InvalidInstanceID.NotFound", ErrorClass::not_yet},
    {"InvalidGroup.NotFound", ErrorClass::not_yet},
    {"InvalidKeyPair.NotFound", ErrorClass::not_yet},
    {"InvalidVolume.NotFound", ErrorClass::not_yet},
    {"InvalidAllocationID.NotFound", ErrorClass::not_yet},
    {"InvalidSubnetID.NotFound", ErrorClass::not_yet},
    {"InvalidNetworkInterfaceID.NotFound", ErrorClass::not_yet},
    {"IncorrectState", ErrorClass::not_yet},
    {"IncorrectInstanceState", ErrorClass::not_yet},
    {"IncorrectModificationState", ErrorClass::not_yet},
    {"DependencyViolation", ErrorClass::not_yet},
    {"InvalidIPAddress.InUse", ErrorClass::not_yet},
    {"VolumeInUse", ErrorClass::not_yet},
    {"ResourceCountExceeded", ErrorClass::not_yet},

    {"InsufficientInstanceCapacity", ErrorClass::another_zone_or_type},
    {"Unsupported", ErrorClass::another_zone_or_type},
    {"InsufficientFreeAddressesInSubnet", ErrorClass::another_zone_or_type},
    {"InsufficientVolumeCapacity", ErrorClass::another_zone_or_type},
    {"InsufficientHostCapacity", ErrorClass::another_zone_or_type},
    {"UnfulfillableCapacity", ErrorClass::another_zone_or_type},
    {"MaxSpotInstanceCountExceeded", ErrorClass::another_zone_or_type},
    {"SpotMaxPriceTooLow", ErrorClass::another_zone_or_type},

    {"VcpuLimitExceeded", ErrorClass::person},
    {"InstanceLimitExceeded", ErrorClass::person},
    {"AddressLimitExceeded", ErrorClass::person},
    {"VolumeLimitExceeded", ErrorClass::person},
    {"KeyPairLimitExceeded", ErrorClass::person},
    {"SecurityGroupLimitExceeded", ErrorClass::person},
    {"RulesPerSecurityGroupLimitExceeded", ErrorClass::person},
    {"TagLimitExceeded", ErrorClass::person},
    {"InvalidParameterCombination", ErrorClass::person},
    {"PendingVerification", ErrorClass::person},
    {"OptInRequired", ErrorClass::person},
    {"Blocked", ErrorClass::person},
    {"UnauthorizedOperation", ErrorClass::person},
    {"AccessDenied", ErrorClass::person},
    {"AccessDeniedException", ErrorClass::person},
    {"AuthFailure", ErrorClass::person},
    {"InvalidClientTokenId", ErrorClass::person},
    {"SignatureDoesNotMatch", ErrorClass::person},
    {"UnrecognizedClientException", ErrorClass::person},
    {"MissingAuthenticationToken", ErrorClass::person},
    {"ExpiredToken", ErrorClass::person},
    {"ExpiredTokenException", ErrorClass::person},
    {"RequestExpired", ErrorClass::person},
    {"VPCIdNotSpecified", ErrorClass::person},
    {"DefaultVpcDoesNotExist", ErrorClass::person},
    {"MissingInput", ErrorClass::person},
    {"InvalidKeyPair.Duplicate", ErrorClass::person},
    {"InvalidGroup.Duplicate", ErrorClass::person},
    {"InvalidKey.Format", ErrorClass::person},
    {"InvalidKeyPair.Format", ErrorClass::person},
    {"InvalidAMIID.NotFound", ErrorClass::person},
    {"InvalidAMIID.Malformed", ErrorClass::person},
    {"InvalidAMIID.Unavailable", ErrorClass::person},
    {"InvalidParameterValue", ErrorClass::person},
    {"InvalidParameter", ErrorClass::person},
    {"MissingParameter", ErrorClass::person},
    {"UnknownParameter", ErrorClass::person},
    {"InvalidBlockDeviceMapping", ErrorClass::person},
    {"InvalidUserData.Malformed", ErrorClass::person},
    {"InvalidVpcID.NotFound", ErrorClass::person},
    {"OperationNotPermitted", ErrorClass::person},
    {"UnsupportedOperation", ErrorClass::person},
    {"IdempotentParameterMismatch", ErrorClass::person},
    {"IdempotentInstanceTerminated", ErrorClass::person},
    {"DryRunOperation", ErrorClass::already_so},

    {"InvalidPermission.Duplicate", ErrorClass::already_so},
    {"InvalidPermission.NotFound", ErrorClass::already_so},
    {"DefaultVpcAlreadyExists", ErrorClass::already_so},
};

constexpr long worth_a_retry[] = {429, 500, 502, 503, 504, 509};
constexpr std::string_view encoded_mark = "Encoded authorization failure message: ";
constexpr std::size_t longest_shown = 1000;  // of a service's message, in code points

std::string without_encoded(std::string_view message) {
  const std::size_t mark = message.find(encoded_mark);
  std::string text(message.substr(0, mark));
  while (text.ends_with(' ') || text.ends_with('\n')) text.pop_back();
  return text;
}

std::string text_of(const AwsFailure& f) {
  std::string text = f.call;
  if (!f.code.empty()) text += ": " + cut(printable(f.code), 80);
  if (!f.message.empty()) text += ": " + cut(printable(without_encoded(f.message)), longest_shown);
  return text;
}

}  // namespace

ErrorClass classify(std::string_view code, long status) {
  const auto row = std::find_if(std::begin(error_table), std::end(error_table),
                                [&](const ErrorRow& r) { return r.code == code; });
  if (row != std::end(error_table)) return row->is;
  const bool again =
      std::find(std::begin(worth_a_retry), std::end(worth_a_retry), status) != std::end(worth_a_retry);
  return again ? ErrorClass::retry : ErrorClass::unknown;
}

AwsError::AwsError(AwsFailure failure) : Error(text_of(failure)), failure_(std::move(failure)) {}

ErrorClass AwsError::error_class() const {
  if (failure_.is_final) return ErrorClass::unknown;
  return failure_.status == 0 ? ErrorClass::retry : classify(failure_.code, failure_.status);
}

std::string encoded_authorization_message(std::string_view message) {
  const std::size_t mark = message.find(encoded_mark);
  if (mark == message.npos) return "";
  const std::string_view text = message.substr(mark + encoded_mark.size());
  return std::string(text.substr(0, text.find_first_of(" \t\r\n")));
}

std::string denied_action(std::string_view message) {
  constexpr std::string_view mark = "is not authorized to perform: ";
  const std::size_t at = message.find(mark);
  if (at == message.npos) return "";
  const std::string_view rest = message.substr(at + mark.size());
  return std::string(rest.substr(0, rest.find_first_of(" \t\r\n")));
}

}  // namespace mlops::aws
