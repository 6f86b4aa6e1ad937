#include "aws/sts.hpp"

#include "base/error.hpp"

namespace mlops::aws {
namespace {

RoleCredentials role_credentials(const XmlNode& answer, const char* result) {
  const XmlNode* found = answer.find(std::string(result) + "/Credentials");
  const auto expiration = found ? parse_iso_time(found->text_at("Expiration")) : std::nullopt;
  if (!expiration) throw Error("STS answered without credentials");
  return {found->text_at("AccessKeyId"), Secret(found->text_at("SecretAccessKey")),
          Secret(found->text_at("SessionToken")), *expiration};
}

}  // namespace

CallerIdentity caller_identity(Client& client) {
  const XmlNode answer = client.query(Service::sts, "GetCallerIdentity", {});
  const std::string result = "GetCallerIdentityResult/";
  return {answer.text_at(result + "Account"), answer.text_at(result + "Arn"),
          answer.text_at(result + "UserId")};
}

RoleCredentials assume_role(Client& client, const AssumeRole& request) {
  Params params;
  params.add("RoleArn", request.role_arn).add("RoleSessionName", request.session_name);
  params.add("ExternalId", request.external_id);
  params.add("SerialNumber", request.mfa_serial).add("TokenCode", request.mfa_code);
  if (request.duration) params.add("DurationSeconds", std::int64_t{*request.duration});
  // A code of an MFA device is good once.
  const Repeat repeat = request.mfa_code.empty() ? Repeat::allowed : Repeat::never;
  return role_credentials(client.query(Service::sts, "AssumeRole", params, repeat), "AssumeRoleResult");
}

RoleCredentials assume_role_with_web_identity(Client& client, const std::string& role_arn,
                                              const std::string& session_name, const Secret& token) {
  Params params;
  params.add("RoleArn", role_arn).add("RoleSessionName", session_name);
  params.add("WebIdentityToken", token.reveal());
  return role_credentials(client.query(Service::sts, "AssumeRoleWithWebIdentity", params),
                          "AssumeRoleWithWebIdentityResult");
}

std::optional<std::string> decode_authorization_message(Client& client, const std::string& encoded) {
  try {
    const XmlNode answer =
        client.query(Service::sts, "DecodeAuthorizationMessage", Params().add("EncodedMessage", encoded));
    return answer.text_at("DecodeAuthorizationMessageResult/DecodedMessage");
  } catch (const AwsError& error) {
    if (error.error_class() == ErrorClass::retry) throw;
    return {};
  }
}

}  // namespace mlops::aws
