// Finds the person's credentials where botocore finds them, in its order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aws/config_files.hpp"
#include "aws/credentials.hpp"
#include "http/client.hpp"
#include "http/retry.hpp"

namespace mlops::aws {

// Asks the person for the code that their MFA device shows.
using AskMfaCode = std::function<std::string(const std::string& serial, const std::string& profile)>;

struct ChainSettings {
  Environment environment;
  ConfigFiles files;
  ChosenProfile profile;
  AskMfaCode ask_mfa_code;  // empty: there is nobody to ask
  Wait wait;                // between attempts
  Now now = system_now;
  const Cancellation* cancellation = nullptr;  // of credential processes
};

// 1 the environment's keys, unless the profile was named by the caller; 2 the profile's role; 3 a web identity;
// 4 the profile's SSO session; 5 its keys in the credentials file; 6 `aws login`; 7 its credential_process; 8
// its keys in the config file; 9 the container's; 10 the instance's role. The first that is configured counts:
// if it fails, that is the error. Loaded on the first get(), and again 10 minutes before the end.
class CredentialChain final : public CredentialProvider {
 public:
  // http must outlive it.
  CredentialChain(ChainSettings settings, HttpClient& http);
  ~CredentialChain() override;

  // Error: what was looked at, or what is wrong there with its place, and the command that mends it.
  const Credentials& get() override;
  void forget() override;
  // Those of the last get(), which may have been refused since; absent before the first.
  const std::optional<Credentials>& current() const { return current_; }

 private:
  Credentials load();
  bool is_due() const;

  ChainSettings settings_;
  HttpClient& http_;
  std::optional<Credentials> current_;
  Seconds loaded_ = 0;
  bool forgotten_ = false;
};

}  // namespace mlops::aws
