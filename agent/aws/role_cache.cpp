#include "aws/role_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aws/json.hpp"
#include "aws/own_file.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

constexpr Seconds ends_soon = 900;

// The arguments of AssumeRole as Python's json.dumps(…, sort_keys=True) writes them: botocore's name for the
// role. "" if a text is not ASCII, which Python would escape.
std::string canonical_arguments(const AssumeRole& request) {
  const std::pair<const char*, const std::string*> texts[] = {{"ExternalId", &request.external_id},
                                                              {"RoleArn", &request.role_arn},
                                                              {"RoleSessionName", &request.session_name},
                                                              {"SerialNumber", &request.mfa_serial}};
  std::string json;
  if (request.duration) json += fmt::format(R"("DurationSeconds": {})", *request.duration);
  for (const auto& [name, text] : texts) {
    if (text->empty()) continue;
    if (std::any_of(text->begin(), text->end(), [](char c) { return c < ' ' || c > '~'; })) return "";
    json += fmt::format(R"({}"{}": {})", json.empty() ? "" : ", ", name, json_quote(*text));
  }
  return "{" + json + "}";
}

}  // namespace

RoleCache::RoleCache(const Environment& environment, const AssumeRole& request) : environment_(environment) {
  const std::string arguments = canonical_arguments(request);
  if (!arguments.empty()) path_ = environment.expand("~/.aws/cli/cache/") + sha1_hex(arguments) + ".json";
}

std::optional<RoleCredentials> RoleCache::get(Seconds now) const {
  if (path_.empty()) return {};
  const auto text = read_own_file(path_, environment_);
  if (!text) return {};
  const Value kept = parse_json(*text, path_);
  const auto end = parse_iso_time(text_at(kept, {"Credentials", "Expiration"}));
  if (!end || *end - now < ends_soon) return {};
  return RoleCredentials{text_at(kept, {"Credentials", "AccessKeyId"}),
                         Secret(text_at(kept, {"Credentials", "SecretAccessKey"})),
                         Secret(text_at(kept, {"Credentials", "SessionToken"})), *end};
}

void RoleCache::put(const RoleCredentials& role) const {
  if (path_.empty()) return;
  Value credentials;
  credentials.set("AccessKeyId", role.access_key_id);
  credentials.set("SecretAccessKey", role.secret.reveal());
  credentials.set("SessionToken", role.session_token.reveal());
  credentials.set("Expiration", iso_time(role.expiration));
  Value kept;
  kept.set("Credentials", std::move(credentials));
  make_own_folder(path_.substr(0, path_.rfind('/')));
  replace_own_file(path_, to_json(kept));
}

}  // namespace mlops::aws
