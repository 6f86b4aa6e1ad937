// Roles that other credentials, or a token of somebody else, may take.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/client.hpp"
#include "aws/credential_sources.hpp"
#include "aws/own_file.hpp"
#include "aws/role_cache.hpp"
#include "aws/sts.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

// STS gives the same credentials in each region; without one, its first endpoint is asked, as botocore does.
std::string sts_region(const SourceContext& context, const std::string& profile) {
  RegionChoice choice{"", "", profile, {}};
  choice.ask_instance = [] { return std::string("us-east-1"); };
  return find_region(choice, context.environment(), context.files()).name;
}

Client sts_client(const SourceContext& context, const std::string& profile, CredentialProvider* credentials) {
  return Client(credentials, {sts_region(context, profile), "STS"},
                Endpoints(context.environment(), context.files(), profile), context.http,
                {.wait = context.settings.wait, .now = context.settings.now});
}

std::string default_session_name(const SourceContext& context) {
  return fmt::format("mlops-agent-{}", context.now());
}

Credentials of_role(RoleCredentials role, CredentialSource source) {
  return credentials_of(
      {std::move(role.access_key_id), role.secret.reveal(), role.session_token.reveal(), role.expiration},
      std::move(source));
}

// One profile's role and those that it is taken through.
class RoleChain {
 public:
  explicit RoleChain(const SourceContext& context) : context_(context) {}

  Credentials take(const std::string& profile) {
    visited_.push_back(profile);
    const ConfigValue& arn = *files().find(profile, "role_arn");
    const AssumeRole request = request_of(profile, arn);
    const RoleCache cache(context_.environment(), request);
    const CredentialSource source{SourceKind::assumed_role, arn.where, profile};
    if (context_.reads_role_cache)
      if (auto kept = cache.get(context_.now())) return of_role(std::move(*kept), source);
    RoleCredentials role = ask(profile, request, arn);
    if (!request.mfa_serial.empty()) cache.put(role);
    return of_role(std::move(role), source);
  }

 private:
  const ConfigFiles& files() const { return context_.files(); }

  AssumeRole request_of(const std::string& profile, const ConfigValue& arn) const {
    return {.role_arn = arn.text,
            .session_name = files().text(profile, "role_session_name"),
            .external_id = files().text(profile, "external_id"),
            .mfa_serial = files().text(profile, "mfa_serial"),
            .duration = duration(profile)};
  }

  RoleCredentials ask(const std::string& profile, AssumeRole request, const ConfigValue& arn) {
    GivenCredentials source(source_of(profile, arn));
    if (request.session_name.empty()) request.session_name = default_session_name(context_);
    if (!request.mfa_serial.empty()) request.mfa_code = mfa_code(profile);
    Client sts = sts_client(context_, profile, &source);
    try {
      return assume_role(sts, request);
    } catch (Error& error) {
      error.while_doing(
          fmt::format("assuming the role {} of the profile {} ({})", arn.text, profile, arn.where));
      throw;
    }
  }

  Credentials source_of(const std::string& profile, const ConfigValue& arn) {
    const ConfigValue* other = files().find(profile, "source_profile");
    const ConfigValue* source = files().find(profile, "credential_source");
    if (other && source)
      throw Error(fmt::format("{}: the profile {} has both source_profile and credential_source ({})",
                              other->where, profile, source->where));
    if (other) return of_profile(profile, *other);
    if (source) return of_named(profile, *source);
    throw Error(
        fmt::format("{}: the profile {} has a role_arn, but neither source_profile nor credential_source",
                    arn.where, profile));
  }

  Credentials of_profile(const std::string& profile, const ConfigValue& named) {
    const std::string& name = named.text;
    if (!files().has_profile(name)) throw Error(fmt::format("{}: there is no profile {}", named.where, name));
    check_loop(profile, named);
    const bool has_own_keys = has_keys(files(), name);
    if (!has_own_keys && has_role(files(), name)) return take(name);
    SourceContext inner = context_;
    inner.reads_environment = false;
    if (Found found = profile_source(inner, name)) return std::move(*found);
    throw Error(fmt::format("{}: the profile {} has no credentials", named.where, name));
  }

  // A profile may name itself if it has keys.
  void check_loop(const std::string& profile, const ConfigValue& named) const {
    const bool is_new = std::find(visited_.begin(), visited_.end(), named.text) == visited_.end();
    if (is_new || (named.text == profile && has_keys(files(), profile))) return;
    std::string way;
    for (const std::string& one : visited_) way += one + " -> ";
    throw Error(fmt::format("{}: source_profile goes round in a circle: {}{}", named.where, way, named.text));
  }

  Credentials of_named(const std::string& profile, const ConfigValue& source) {
    SourceContext inner = context_;
    inner.reads_environment = true;
    Found found;
    if (source.text == "Environment")
      found = environment_keys(inner);
    else if (source.text == "Ec2InstanceMetadata")
      found = instance_role(inner);
    else if (source.text == "EcsContainer")
      found = container_role(inner);
    else
      throw Error(fmt::format("{}: credential_source must be Environment, Ec2InstanceMetadata or EcsContainer",
                              source.where));
    if (found) return std::move(*found);
    throw Error(fmt::format("{}: the profile {} takes its role with the credentials of {}, which has none",
                            source.where, profile, source.text));
  }

  std::optional<int> duration(const std::string& profile) const {
    const ConfigValue* value = files().find(profile, "duration_seconds");
    if (!value) return {};
    int seconds = 0;
    const std::string& text = value->text;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds < 900 || seconds > 43200)
      throw Error(fmt::format("{}: duration_seconds must be from 900 to 43200", value->where));
    return seconds;
  }

  std::string mfa_code(const std::string& profile) const {
    const ConfigValue& serial = *files().find(profile, "mfa_serial");
    if (context_.settings.ask_mfa_code) return context_.settings.ask_mfa_code(serial.text, profile);
    throw Error(fmt::format(
        "{}: the profile {} needs a code of the MFA device {}, and there is no terminal to ask for it: on "
        "one, `aws sts get-caller-identity --profile {}` opens a session that is found from here",
        serial.where, profile, serial.text, profile));
  }

  static bool has_role(const ConfigFiles& files, const std::string& profile) {
    return files.find(profile, "role_arn") && !files.find(profile, "web_identity_token_file");
  }

  const SourceContext& context_;
  std::vector<std::string> visited_;
};

struct Setting {
  std::string text, where;
};

// The environment's variable, else the profile's value.
Setting setting(const SourceContext& context, const char* variable, const std::string& profile,
                const char* name) {
  const std::string text = context.reads_environment ? context.environment().variable(variable) : "";
  if (!text.empty()) return {text, variable};
  const ConfigValue* value = context.files().find(profile, name);
  return value ? Setting{value->text, value->where} : Setting{};
}

}  // namespace

Found profile_role(const SourceContext& context, const std::string& profile) {
  const ConfigFiles& files = context.files();
  if (!files.find(profile, "role_arn") || files.find(profile, "web_identity_token_file")) return {};
  return RoleChain(context).take(profile);
}

Found web_identity(const SourceContext& context, const std::string& profile) {
  const Setting file = setting(context, "AWS_WEB_IDENTITY_TOKEN_FILE", profile, "web_identity_token_file");
  if (file.text.empty()) return {};
  const Setting arn = setting(context, "AWS_ROLE_ARN", profile, "role_arn");
  if (arn.text.empty())
    throw Error(
        fmt::format("{} names a web identity token, but no role: set AWS_ROLE_ARN or role_arn", file.where));
  const Setting name = setting(context, "AWS_ROLE_SESSION_NAME", profile, "role_session_name");
  const std::string path = context.environment().expand(file.text);
  auto token = read_own_file(path, context.environment());
  if (!token) throw Error(fmt::format("{}: there is no web identity token {}", file.where, path));
  while (token->ends_with('\n')) token->pop_back();
  Client sts = sts_client(context, profile, nullptr);
  try {
    const std::string session = name.text.empty() ? default_session_name(context) : name.text;
    return of_role(assume_role_with_web_identity(sts, arn.text, session, Secret(*token)),
                   {SourceKind::web_identity, file.where, profile});
  } catch (Error& error) {
    error.while_doing(fmt::format("assuming the role {} with the web identity of {}", arn.text, path));
    throw;
  }
}

}  // namespace mlops::aws
