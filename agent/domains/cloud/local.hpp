// The person's own account of Amazon EC2, through its API.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aws/account.hpp"
#include "aws/ec2/groups.hpp"
#include "aws/ec2/instances.hpp"
#include "base/process.hpp"
#include "base/progress.hpp"
#include "base/type_list.hpp"
#include "domains/cloud/actions.hpp"
#include "domains/cloud/launch_record.hpp"
#include "domains/cloud/reader.hpp"
#include "domains/local_context.hpp"

namespace mlops {

// Credentials, region and endpoints are found on first use, for each scope, from the environment of the process
// and the person's files. Single-threaded.
class LocalCloud : public CloudReader {
 public:
  // All must outlive it.
  LocalCloud(const ActingUser& who, const Cancellation& cancellation, const ProgressSink& progress);
  ~LocalCloud() override;

  CloudCaller caller(const CloudScope& scope) const override;
  std::optional<CloudKeyPair> key_pair(const CloudScope& scope, const std::string& name) const override;
  std::optional<CloudGroup> group(const CloudScope& scope, const std::string& vpc,
                                  const std::string& name) const override;
  CloudOffer offer(const CloudScope& scope, const InstanceSpec& spec) const override;
  CloudInstances instances(const CloudScope& scope, const std::string& name) const override;
  std::optional<CloudAddress> address(const CloudScope& scope, const std::string& name) const override;
  std::vector<CloudInstance> all_instances(const CloudScope& scope) const override;
  std::string own_address() const override;
  std::optional<std::string> public_key(const std::string& private_key_path) const override;

  // Moves this machine's rules (domains/cloud/here_rules.hpp) in the groups that carry our tag: those that let
  // in another single address let in this one, each changed in one call. cidr: /32 or /128; rules of the other
  // IP version stay. Returns what was moved, for people. Errors as of perform().
  std::vector<std::string> move_here(const CloudScope& scope, const std::string& cidr) const;

  // Forgets what was read.
  void forget() { seen_groups_.clear(); }

  // Error with the service's message and what a person can do; Error cancelled at once between calls. What is
  // interrupted may be repeated.
  void perform(const ImportKeyPair& action) const;
  void perform(const DeleteKeyPair& action) const;
  void perform(const CreateCloudGroup& action) const;
  void perform(const DeleteCloudGroup& action) const;
  void perform(const ChangeCloudRules& action) const;
  void perform(const LaunchInstance& action) const;
  void perform(const PowerInstance& action) const;
  void perform(const ModifyInstance& action) const;
  void perform(const ChangeCloudAddress& action) const;

 private:
  aws::Account& account(const CloudScope& scope) const;
  std::string ask_mfa_code(const CloudScope& scope, const std::string& serial,
                           const std::string& profile) const;
  LaunchRecords records(const CloudScope& scope) const;
  void keep_here(aws::Account& account, const CloudScope& scope) const;
  std::string vpc_or_default(aws::Client& client, const std::string& vpc) const;
  std::optional<CloudGroup> find_group(aws::Client& client, const std::string& vpc,
                                       const std::string& name) const;
  aws::Instance wait_for(const CloudScope& scope, const std::string& id, aws::InstanceState end) const;
  void set_power(aws::Account& account, const CloudScope& scope, const std::string& id, bool on) const;
  void terminate(aws::Account& account, const PowerInstance& action) const;
  void tell(const std::string& doing) const;

  const ActingUser& who_;
  const Cancellation& cancellation_;
  const ProgressSink& progress_;
  mutable std::map<CloudScope, std::unique_ptr<aws::Account>> accounts_;
  struct SeenGroup {
    CloudScope scope;
    CloudGroup group;
    bool is_default;  // of the default VPC
    std::chrono::steady_clock::time_point when;
  };
  mutable std::vector<SeenGroup> seen_groups_;  // since the last action, for some seconds
  mutable std::string own_address_;             // asked once a run
  // When a person was asked for the code of an MFA device.
  mutable std::map<CloudScope, std::chrono::steady_clock::time_point> asked_codes_;
};

// The domain's part of the local machine.
struct CloudLocal : LocalPart {
  explicit CloudLocal(const LocalContext& c) : reader(c.who, c.cancellation, c.progress) {}
  void before_actions() { reader.forget(); }
  void perform(const OneOf<CloudActions> auto& action) { reader.perform(action); }
  LocalCloud reader;
};

}  // namespace mlops
