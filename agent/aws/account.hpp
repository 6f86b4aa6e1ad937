// The person's AWS account, ready to be called: everything of this folder put together.
#pragma once

#include <memory>
#include <string>

#include "aws/client.hpp"
#include "aws/credential_chain.hpp"
#include "aws/sts.hpp"

namespace mlops::aws {

struct AccountSettings {
  Environment environment;
  std::string profile, profile_where;  // by a flag or the playbook, with its place; "" for none
  std::string region, region_where;    // likewise
  AskMfaCode ask_mfa_code;             // empty: there is nobody to ask
  Now now = system_now;
};

class Account {
 public:
  // Reads the configuration and finds the region, on an instance by its metadata service; nothing else is asked
  // yet. The cancellation must outlive it. Error of read_config_files, choose_profile and find_region.
  Account(const AccountSettings& settings, const Cancellation& cancellation);
  ~Account();
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // Of its region. Its first call loads the credentials.
  Client& client() { return client_; }
  const Region& region() const { return region_; }
  const std::string& profile() const { return profile_.name; }
  // Loads them if needed.
  const Credentials& credentials() { return chain_.get(); }
  // Who calls; asked once.
  const CallerIdentity& caller();
  // "as arn:aws:iam::123456789012:user/ada (account 123456789012), by the credentials file of …, in
  // eu-central-1 (AWS_REGION)": for the first line of a plan.
  std::string described();

  // advice() about an error of this account's calls; "" if there is nothing to say beside its message.
  std::string advice_on(const AwsError& error);

 private:
  ConfigFiles files_;
  ChosenProfile profile_;
  HttpClient http_;
  Region region_;
  CredentialChain chain_;
  Client client_;
  std::optional<CallerIdentity> caller_;
};

}  // namespace mlops::aws
