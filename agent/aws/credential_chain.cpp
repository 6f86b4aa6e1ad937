#include "aws/credential_chain.hpp"

#include <fmt/format.h>

#include <utility>

#include "aws/credential_sources.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

constexpr Seconds refresh_before = 600, refresh_not_within = 60;

[[noreturn]] void nothing_found(const ChainSettings& settings) {
  const std::string& profile = settings.profile.name;
  throw Error(fmt::format(
      "no AWS credentials are found. Looked at: {}the profile {} in {} and {}, the container's variables "
      "(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, …_FULL_URI), the role of an EC2 instance. Run `aws login{}` or "
      "`aws "
      "configure sso{}`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      settings.profile.is_explicit ? "" : "AWS_ACCESS_KEY_ID, ", profile, settings.files.config_path,
      settings.files.credentials_path, profile_flag(profile), profile_flag(profile)));
}

}  // namespace

CredentialChain::CredentialChain(ChainSettings settings, HttpClient& http)
    : settings_(std::move(settings)), http_(http) {}
CredentialChain::~CredentialChain() = default;

bool CredentialChain::is_due() const {
  if (!current_ || forgotten_) return true;
  if (!current_->expiration) return false;
  const Seconds now = settings_.now();
  // A source whose credentials never last longer is not asked before each call.
  const bool just_loaded = now - loaded_<refresh_not_within&& * current_->expiration> now;
  return *current_->expiration - now <= refresh_before && !just_loaded;
}

const Credentials& CredentialChain::get() {
  if (is_due()) {
    current_ = load();
    loaded_ = settings_.now();
    forgotten_ = false;
  }
  return *current_;
}

void CredentialChain::forget() { forgotten_ = true; }

Credentials CredentialChain::load() {
  const SourceContext context{settings_, http_, !settings_.profile.is_explicit, !forgotten_};
  const std::string& profile = settings_.profile.name;
  if (Found found = environment_keys(context)) return std::move(*found);
  if (Found found = profile_role(context, profile)) return std::move(*found);
  if (Found found = profile_source(context, profile)) return std::move(*found);
  if (Found found = container_role(context)) return std::move(*found);
  if (Found found = instance_role(context)) return std::move(*found);
  nothing_found(settings_);
}

Found profile_source(const SourceContext& context, const std::string& profile) {
  using Source = Found (*)(const SourceContext&, const std::string&);
  constexpr Source sources[] = {web_identity,  sso_session,        credentials_file_keys,
                                login_session, credential_process, config_file_keys};
  for (const Source source : sources)
    if (Found found = source(context, profile)) return found;
  return {};
}

}  // namespace mlops::aws
