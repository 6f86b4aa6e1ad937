// The Security Token Service: who calls, and credentials of roles.
#pragma once

#include <optional>
#include <string>

#include "aws/client.hpp"

namespace mlops::aws {

struct CallerIdentity {
  std::string account, arn, user_id;
};
// Needs no right. AwsError.
CallerIdentity caller_identity(Client& client);

struct RoleCredentials {
  std::string access_key_id;
  Secret secret, session_token;
  Seconds expiration = 0;
};

struct AssumeRole {
  std::string role_arn, session_name, external_id, mfa_serial, mfa_code;  // "": not sent
  std::optional<int> duration;                                            // in seconds
};
RoleCredentials assume_role(Client& client, const AssumeRole& request);
// The client must not sign.
RoleCredentials assume_role_with_web_identity(Client& client, const std::string& role_arn,
                                              const std::string& session_name, const Secret& token);

// JSON that says why a call was denied: of encoded_authorization_message(). Absent if these credentials may not
// ask (sts:DecodeAuthorizationMessage) or it cannot be decoded.
std::optional<std::string> decode_authorization_message(Client& client, const std::string& encoded);

}  // namespace mlops::aws
