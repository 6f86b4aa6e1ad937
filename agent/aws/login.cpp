// The credentials that `aws login` left.
#include <fmt/format.h>

#include "aws/credential_sources.hpp"
#include "aws/json.hpp"
#include "aws/own_file.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

std::string cache_path(const Environment& environment, const std::string& session) {
  const std::string given = environment.variable("AWS_LOGIN_CACHE_DIRECTORY");
  const std::string folder = environment.expand(given.empty() ? "~/.aws/login/cache" : given);
  return fmt::format("{}/{}.json", folder, sha256_hex(session));
}

[[noreturn]] void log_in(const std::string& why, const ConfigValue& session, const std::string& profile) {
  throw Error(fmt::format("{} (the profile {}, {}): run `aws login{}`", why, profile, session.where,
                          profile_flag(profile)));
}

}  // namespace

Found login_session(const SourceContext& context, const std::string& profile) {
  const ConfigValue* session = context.files().find(profile, "login_session");
  if (!session) return {};
  const std::string path = cache_path(context.environment(), session->text);
  const auto text = read_own_file(path, context.environment());
  if (!text) log_in("there is no login session: " + path + " does not exist", *session, profile);
  const Value cache = parse_json(*text, path);
  const auto end = parse_iso_time(text_at(cache, {"accessToken", "expiresAt"}));
  if (!end) log_in(path + " holds no login session", *session, profile);
  // A refresh needs a proof with the key in the cache, which the AWS CLI makes.
  if (*end <= context.now())
    log_in(fmt::format("the login session expired at {}", iso_time(*end)), *session, profile);
  return credentials_of(
      {text_at(cache, {"accessToken", "accessKeyId"}), text_at(cache, {"accessToken", "secretAccessKey"}),
       text_at(cache, {"accessToken", "sessionToken"}), end},
      {SourceKind::login, session->where, profile});
}

}  // namespace mlops::aws
