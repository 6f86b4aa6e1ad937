// The single sources of the chain. Each returns nothing if it is not configured, and throws Error if it is and
// fails.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/credential_chain.hpp"
#include "model/value.hpp"

namespace mlops::aws {

struct SourceContext {
  const ChainSettings& settings;
  HttpClient& http;
  // false for the profile that a role's source_profile names, and where the caller named one.
  bool reads_environment = true;
  bool reads_role_cache = true;  // false: what it holds was refused

  const Environment& environment() const { return settings.environment; }
  const ConfigFiles& files() const { return settings.files; }
  Seconds now() const { return settings.now(); }
};

using Found = std::optional<Credentials>;

Found environment_keys(const SourceContext& context);
Found credentials_file_keys(const SourceContext& context, const std::string& profile);
Found config_file_keys(const SourceContext& context, const std::string& profile);
Found profile_role(const SourceContext& context, const std::string& profile);
Found web_identity(const SourceContext& context, const std::string& profile);
Found sso_session(const SourceContext& context, const std::string& profile);
Found login_session(const SourceContext& context, const std::string& profile);
Found credential_process(const SourceContext& context, const std::string& profile);
Found container_role(const SourceContext& context);
Found instance_role(const SourceContext& context);

// What of these a profile names itself, but for a role of its own: for source_profile.
Found profile_source(const SourceContext& context, const std::string& profile);
// Whether both files together give the profile keys of its own.
bool has_keys(const ConfigFiles& files, const std::string& profile);

struct Keys {
  std::string id, secret, session_token;
  std::optional<Seconds> expiration;
};
// Whether a header can hold it: printable characters without blanks.
bool can_be_sent(std::string_view text);
// Error, which names the source, if one is empty or could not be sent in a header.
Credentials credentials_of(Keys keys, CredentialSource source);
// Those of container, instance and process: {"AccessKeyId", "SecretAccessKey", token, "Expiration"}. Error if a
// key is missing or the time is none; Error if they have expired.
Credentials credentials_in(const Value& json, const char* token, CredentialSource source, Seconds now);

// " --profile X", or "" for the default one: for commands in messages.
std::string profile_flag(const std::string& profile);

// The words of a command line as a POSIX shell splits them, without expanding anything. Error "an open quote".
std::vector<std::string> split_command(const std::string& line);

}  // namespace mlops::aws
