#include "aws/account.hpp"

#include <fmt/format.h>

#include "aws/instance_metadata.hpp"
#include "base/network_patience.hpp"
#include "base/printable.hpp"

namespace mlops::aws {
namespace {

constexpr std::chrono::milliseconds stall{stall_ms};

ChainSettings chain_settings(const AccountSettings& settings, const ConfigFiles& files,
                             const ChosenProfile& profile, const Cancellation& cancellation) {
  return {.environment = settings.environment,
          .files = files,
          .profile = profile,
          .ask_mfa_code = settings.ask_mfa_code,
          .wait = wait_until_cancelled(cancellation),
          .now = settings.now,
          .cancellation = &cancellation};
}

Region region_of(const AccountSettings& settings, const ConfigFiles& files, const ChosenProfile& profile,
                 HttpClient& http) {
  RegionChoice choice{settings.region, settings.region_where, profile.name, {}};
  choice.ask_instance = [&] { return InstanceMetadata(http, settings.environment).region(); };
  return find_region(choice, settings.environment, files);
}

}  // namespace

Account::Account(const AccountSettings& s, const Cancellation& cancellation)
    : files_(read_config_files(s.environment)),
      profile_(choose_profile(s.profile, s.profile_where, s.environment, files_)),
      http_(cancellation, ca_bundle_of(s.environment, files_, profile_.name), stall),
      region_(region_of(s, files_, profile_, http_)),
      chain_(chain_settings(s, files_, profile_, cancellation), http_),
      client_(&chain_, region_, Endpoints(s.environment, files_, profile_.name), http_,
              {.wait = wait_until_cancelled(cancellation),
               .now = s.now,
               .attempts = attempts_of(s.environment, files_, profile_.name)}) {}
Account::~Account() = default;

const CallerIdentity& Account::caller() {
  if (!caller_) caller_ = caller_identity(client_);
  return *caller_;
}

std::string Account::described() {
  const CallerIdentity& who = caller();
  return fmt::format("as {} (account {}), by {}, in {} ({})", printable(who.arn), printable(who.account),
                     describe(chain_.get().source), region_.name, region_.source);
}

std::string Account::advice_on(const AwsError& error) {
  AdviceContext context{.region = region_.name, .profile = profile_.name};
  const std::string& call = error.failure().call;
  context.action = call.substr(call.find(' ') + 1);
  context.clock_ahead = error.failure().clock_ahead;
  context.used = chain_.current();
  return advice(error.code(), error.failure().message, context);
}

}  // namespace mlops::aws
