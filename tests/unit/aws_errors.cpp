// What errors of AWS mean, and what a person is told.
#include "aws/errors.hpp"

#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;

namespace {

AdviceContext context() {
  return {.region = "eu-central-1",
          .action = "RunInstances",
          .profile = "work",
          .used = Credentials{"AKIAABCDEFGHWXYZ",
                              Secret("hidden"),
                              Secret("token"),
                              {},
                              {SourceKind::credentials_file, "/home/ada/.aws/credentials:2", "work"}}};
}

}  // namespace

TEST_CASE("each code has its class", "[aws]") {
  struct Row {
    ErrorClass is;
    std::vector<const char*> codes;
  };
  const Row rows[] = {
      {ErrorClass::retry,
       {"RequestLimitExceeded", "Throttling", "SlowDown", "InternalError", "ConcurrentTagAccess"}},
      {ErrorClass::not_yet, {"InvalidInstanceID.NotFound", "IncorrectInstanceState", "DependencyViolation"}},
      {ErrorClass::another_zone_or_type, {"InsufficientInstanceCapacity", "Unsupported", "SpotMaxPriceTooLow"}},
      {ErrorClass::person,
       {"VcpuLimitExceeded", "UnauthorizedOperation", "InvalidParameterValue", "ExpiredToken"}},
      {ErrorClass::already_so, {"InvalidPermission.Duplicate", "DefaultVpcAlreadyExists"}},
      {ErrorClass::unknown, {"", "SomethingNew"}},
  };
  for (const Row& row : rows)
    for (const char* code : row.codes) {
      INFO(code);
      CHECK(classify(code, 400) == row.is);
    }
}

TEST_CASE("an unknown code counts by its status, a known one whatever its status", "[aws]") {
  for (const long status : {429, 500, 502, 503, 504, 509}) CHECK(classify("New", status) == ErrorClass::retry);
  CHECK(classify("New", 400) == ErrorClass::unknown);
  CHECK(classify("InsufficientInstanceCapacity", 500) == ErrorClass::another_zone_or_type);
}

TEST_CASE("each code for a person has advice", "[aws]") {
  for (const char* code : {"VcpuLimitExceeded",
                           "InstanceLimitExceeded",
                           "AddressLimitExceeded",
                           "VolumeLimitExceeded",
                           "KeyPairLimitExceeded",
                           "SecurityGroupLimitExceeded",
                           "RulesPerSecurityGroupLimitExceeded",
                           "TagLimitExceeded",
                           "InvalidParameterCombination",
                           "PendingVerification",
                           "OptInRequired",
                           "Blocked",
                           "UnauthorizedOperation",
                           "AuthFailure",
                           "InvalidClientTokenId",
                           "SignatureDoesNotMatch",
                           "UnrecognizedClientException",
                           "MissingAuthenticationToken",
                           "ExpiredToken",
                           "ExpiredTokenException",
                           "RequestExpired",
                           "VPCIdNotSpecified",
                           "DefaultVpcDoesNotExist",
                           "MissingInput",
                           "InvalidKeyPair.Duplicate",
                           "InvalidGroup.Duplicate",
                           "InvalidKey.Format",
                           "InvalidKeyPair.Format",
                           "InvalidAMIID.NotFound",
                           "InvalidAMIID.Malformed",
                           "InvalidAMIID.Unavailable",
                           "InvalidParameterValue",
                           "InvalidParameter",
                           "MissingParameter",
                           "UnknownParameter",
                           "InvalidBlockDeviceMapping",
                           "InvalidUserData.Malformed",
                           "InvalidSubnetID.NotFound",
                           "InvalidVpcID.NotFound",
                           "OperationNotPermitted",
                           "UnsupportedOperation",
                           "IdempotentParameterMismatch",
                           "IdempotentInstanceTerminated"}) {
    INFO(code);
    const std::string text = advice(code, "the message", context());
    CHECK_FALSE(text.empty());
    CHECK_FALSE(text.ends_with('.'));
    CHECK_THAT(
        text, !Catch::Contains("hidden") && !Catch::Contains("token/") && !Catch::Contains("AKIAABCDEFGHWXYZ"));
  }
  CHECK(advice("SomethingNew", "", context()).empty());
}

TEST_CASE("advice names what the person needs", "[aws]") {
  CHECK_THAT(advice("VcpuLimitExceeded", "", context()),
             Catch::Contains("L-1216C47A") && Catch::Contains("eu-central-1.console.aws.amazon.com"));
  const std::string free_tier = "The specified instance type is not eligible for Free Tier. For a list …";
  CHECK_THAT(advice("InvalidParameterCombination", free_tier, context()),
             Catch::Contains("Free Plan") && Catch::Contains("t3.micro"));
  AdviceContext with_types = context();
  with_types.free_types = {"m9.tiny"};
  CHECK_THAT(advice("InvalidParameterCombination", free_tier, with_types),
             Catch::Contains("choose one of m9.tiny,"));
  CHECK_THAT(advice("AuthFailure", "", context()),
             Catch::Contains("AKIA…WXYZ") && Catch::Contains("/home/ada/.aws/credentials:2"));
  AdviceContext sso = context();
  sso.used->source.kind = SourceKind::sso;
  CHECK(advice("ExpiredToken", "", sso) == "the session has expired: run `aws sso login --profile work`");
  AdviceContext late = context();
  late.clock_ahead = -754;
  CHECK_THAT(advice("RequestExpired", "", late), Catch::Contains("clock is 754 s behind"));
}

TEST_CASE("a denied call names its right, and hides the encoded reason", "[aws]") {
  const std::string message =
      "You are not authorized to perform this operation. User: arn:aws:iam::1:user/ada is not authorized to "
      "perform: "
      "ec2:RunInstances on resource: arn:aws:ec2:eu-central-1:1:instance/* Encoded authorization failure "
      "message: "
      "AbC-123_x";
  CHECK(encoded_authorization_message(message) == "AbC-123_x");
  CHECK(denied_action(message) == "ec2:RunInstances");
  CHECK_THAT(advice("UnauthorizedOperation", message, context()),
             Catch::Contains("the right ec2:RunInstances"));
  const AwsError error({.call = "ec2 RunInstances", .code = "UnauthorizedOperation", .message = message});
  CHECK_THAT(std::string(error.what()), Catch::Contains("ada") && !Catch::Contains("AbC-123_x"));
  CHECK(encoded_authorization_message("none").empty());
  CHECK(denied_action("none").empty());
}

TEST_CASE("a message cannot steer the terminal", "[aws]") {
  const AwsError error(
      {.call = "ec2 Go", .code = "X\x1b[2J", .message = std::string(5000, 'a') + "\n\x1b[31m"});
  const std::string text = error.what();
  CHECK(text.find('\x1b') == text.npos);
  CHECK(text.find('\n') == text.npos);
  CHECK(text.size() < 1200);
}
