// Credentials of an AWS account, and where they are from.
#pragma once

#include <optional>
#include <string>

#include "aws/secret.hpp"
#include "aws/time.hpp"

namespace mlops::aws {

// In the order in which they are looked for.
enum class SourceKind {
  environment,
  assumed_role,
  web_identity,
  sso,
  credentials_file,
  login,  // the cache of `aws login`
  process,
  config_file,
  container,
  instance,
  given,  // by the caller
};

struct CredentialSource {
  SourceKind kind = SourceKind::given;
  std::string where;    // "/home/ada/.aws/credentials:3", the name of a variable, a URL
  std::string profile;  // "": none
};
// "the SSO session of the profile work (/home/ada/.aws/config:7)".
std::string describe(const CredentialSource& source);

struct Credentials {
  std::string access_key_id;
  Secret secret, session_token;       // no session token: long-lived keys
  std::optional<Seconds> expiration;  // absent: they do not expire
  CredentialSource source;
};
// "AKIA…MPLE": what may be shown of an access key.
std::string shown_key_id(const std::string& access_key_id);

// Credentials for the next call. Implementations load on first use, and again before the end.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  // Error: which sources were looked at and the command that mends it.
  virtual const Credentials& get() = 0;
  // The service refused them as expired: the next get() loads them again.
  virtual void forget() {}
};

class GivenCredentials final : public CredentialProvider {
 public:
  explicit GivenCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  const Credentials& get() override { return credentials_; }

 private:
  Credentials credentials_;
};

}  // namespace mlops::aws
