// Keys that are written down: in the environment and in the two files.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aws/credential_sources.hpp"
#include "aws/json.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

Found keys_of(const ConfigSections& sections, const std::string& profile, SourceKind kind) {
  const auto section = sections.find(profile);
  if (section == sections.end()) return {};
  const ConfigValue* id = section->second.find("aws_access_key_id");
  if (!id) return {};
  const ConfigValue* secret = section->second.find("aws_secret_access_key");
  if (!secret)
    throw Error(fmt::format("{}: the profile {} has aws_access_key_id without aws_secret_access_key", id->where,
                            profile));
  std::string token = section->second.text("aws_session_token");
  if (token.empty()) token = section->second.text("aws_security_token");
  return credentials_of({id->text, secret->text, token, {}}, {kind, id->where, profile});
}

}  // namespace

bool can_be_sent(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string profile_flag(const std::string& profile) {
  return profile.empty() || profile == "default" ? "" : " --profile " + profile;
}

Credentials credentials_of(Keys keys, CredentialSource source) {
  if (keys.id.empty() || keys.secret.empty())
    throw Error(fmt::format("{}: an access key or its secret is missing", describe(source)));
  for (const std::string* text : {&keys.id, &keys.secret, &keys.session_token})
    if (!can_be_sent(*text))
      throw Error(
          fmt::format("{}: a key or token has blanks or other characters that none has", describe(source)));
  return {std::move(keys.id), Secret(std::move(keys.secret)), Secret(std::move(keys.session_token)),
          keys.expiration, std::move(source)};
}

Credentials credentials_in(const Value& json, const char* token, CredentialSource source, Seconds now) {
  Keys keys{text_at(json, {"AccessKeyId"}), text_at(json, {"SecretAccessKey"}), text_at(json, {token}), {}};
  const std::string expiration = text_at(json, {"Expiration"});
  if (!expiration.empty()) {
    keys.expiration = parse_iso_time(expiration);
    if (!keys.expiration) throw Error(fmt::format("{}: its Expiration is not a time", describe(source)));
    if (*keys.expiration <= now)
      throw Error(
          fmt::format("{}: the credentials expired at {}", describe(source), iso_time(*keys.expiration)));
  }
  return credentials_of(std::move(keys), std::move(source));
}

Found environment_keys(const SourceContext& context) {
  const Environment& environment = context.environment();
  const std::string id = environment.variable("AWS_ACCESS_KEY_ID");
  if (id.empty() || !context.reads_environment) return {};
  const std::string secret = environment.variable("AWS_SECRET_ACCESS_KEY");
  if (secret.empty()) throw Error("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
  std::string token = environment.variable("AWS_SESSION_TOKEN");
  if (token.empty()) token = environment.variable("AWS_SECURITY_TOKEN");
  Credentials found =
      credentials_of({id, secret, token, {}}, {SourceKind::environment, "AWS_ACCESS_KEY_ID", ""});
  if (const std::string end = environment.variable("AWS_CREDENTIAL_EXPIRATION"); !end.empty()) {
    found.expiration = parse_iso_time(end);
    if (!found.expiration) throw Error("AWS_CREDENTIAL_EXPIRATION is not a time");
    if (*found.expiration <= context.now())
      throw Error(fmt::format("the keys in AWS_ACCESS_KEY_ID and the like expired at {}: set them anew", end));
  }
  return found;
}

Found credentials_file_keys(const SourceContext& context, const std::string& profile) {
  return keys_of(context.files().credentials, profile, SourceKind::credentials_file);
}

Found config_file_keys(const SourceContext& context, const std::string& profile) {
  return keys_of(context.files().profiles, profile, SourceKind::config_file);
}

bool has_keys(const ConfigFiles& files, const std::string& profile) {
  return files.find(profile, "aws_access_key_id") && files.find(profile, "aws_secret_access_key");
}

}  // namespace mlops::aws
