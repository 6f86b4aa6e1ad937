// Credentials of IAM Identity Center, by the token that `aws sso login` left.
#include <fmt/format.h>

#include <utility>

#include "aws/answer.hpp"
#include "aws/credential_sources.hpp"
#include "aws/endpoint.hpp"
#include "aws/json.hpp"
#include "aws/own_file.hpp"
#include "aws/params.hpp"
#include "aws/region.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/percent_encoding.hpp"

namespace mlops::aws {
namespace {

constexpr Seconds sso_refresh_before = 900;
constexpr std::size_t largest_sso_answer = 1u << 20;
constexpr int sso_attempts = 3;
constexpr std::chrono::seconds sso_call_limit{30};

// What the profile and its sso-session say.
struct SsoConfig {
  std::string where, session;  // session "": the old form, all in the profile
  std::string start_url, region, account, role;
};

[[noreturn]] void missing(const std::string& where, const std::string& name, const std::string& in) {
  throw Error(fmt::format("{}: {} has no {}; `aws configure sso` writes it", where, in, name));
}

SsoConfig sso_config(const SourceContext& context, const std::string& profile, const ConfigValue& account) {
  const ConfigFiles& files = context.files();
  SsoConfig config{account.where,
                   files.text(profile, "sso_session"),
                   files.text(profile, "sso_start_url"),
                   files.text(profile, "sso_region"),
                   files.text(profile, "sso_account_id"),
                   files.text(profile, "sso_role_name")};
  std::string in = "the profile " + profile;
  if (!config.session.empty()) {
    const auto section = files.sso_sessions.find(config.session);
    if (section == files.sso_sessions.end())
      throw Error(fmt::format("{}: there is no [sso-session {}]", files.find(profile, "sso_session")->where,
                              config.session));
    config.start_url = section->second.text("sso_start_url");
    config.region = section->second.text("sso_region");
    in = fmt::format("[sso-session {}]", config.session);
  }
  if (config.start_url.empty()) missing(account.where, "sso_start_url", in);
  if (config.region.empty()) missing(account.where, "sso_region", in);
  if (!is_region_name(config.region))
    throw Error(fmt::format("{}: sso_region of {} is not the name of an AWS region", account.where, in));
  if (config.account.empty()) missing(account.where, "sso_account_id", "the profile " + profile);
  if (config.role.empty()) missing(account.where, "sso_role_name", "the profile " + profile);
  return config;
}

// The file of the token, and whether it still holds.
class SsoToken {
 public:
  SsoToken(const SourceContext& context, const SsoConfig& config, std::string profile)
      : context_(context), config_(config), profile_(std::move(profile)) {
    const std::string& name = config.session.empty() ? config.start_url : config.session;
    path_ = context.environment().expand("~/.aws/sso/cache/") + sha1_hex(name) + ".json";
  }

  Secret get() {
    const auto text = read_own_file(path_, context_.environment());
    if (!text) log_in("there is no SSO session: " + path_ + " does not exist");
    cache_ = parse_json(*text, path_);
    const auto end = parse_iso_time(text_at(cache_, {"expiresAt"}));
    if (!end || text_at(cache_, {"accessToken"}).empty()) log_in(path_ + " holds no SSO token");
    if (*end - context_.now() <= sso_refresh_before) refresh(*end);
    Secret token(text_at(cache_, {"accessToken"}));
    if (!can_be_sent(token.reveal())) log_in(path_ + " holds no SSO token");
    return token;
  }

  [[noreturn]] void log_in(const std::string& why) const {
    throw Error(fmt::format("{} (the profile {}, {}): run `aws sso login{}`", why, profile_, config_.where,
                            profile_flag(profile_)));
  }

 private:
  bool can_refresh() const {
    if (config_.session.empty()) return false;
    for (const char* name : {"refreshToken", "clientId", "clientSecret"})
      if (text_at(cache_, {name}).empty()) return false;
    const auto registered = parse_iso_time(text_at(cache_, {"registrationExpiresAt"}));
    return registered && *registered > context_.now();
  }

  // A token that still holds is used when a new one cannot be had.
  void refresh(Seconds end) {
    const bool holds = end > context_.now();
    const std::string why = fmt::format("the SSO session expired at {}", iso_time(end));
    if (!can_refresh()) {
      if (!holds) log_in(why);
      return;
    }
    const HttpAnswer answer = ask_for_token();
    const auto failure = failure_of(answer, AnswerForm::json, "sso-oidc CreateToken", context_.now());
    if (!failure) return keep(parse_json(answer.body, "the answer of sso-oidc"));
    if (!holds) log_in(fmt::format("{}, and could not be renewed ({})", why, AwsError(*failure).message()));
  }

  HttpAnswer ask_for_token() {
    const Endpoint endpoint =
        Endpoints(context_.environment(), context_.files(), profile_).of(Service::sso_oidc, config_.region);
    Value body;
    body.set("grantType", "refresh_token");
    for (const char* name : {"clientId", "clientSecret", "refreshToken"})
      body.set(name, text_at(cache_, {name}));
    HttpRequest request{.url = endpoint.url + "/token", .headers = {"Content-Type: application/json"}};
    request.method = "POST";
    request.body = to_json(body);
    request.redirects = Redirects::refuse;
    request.resend = Resend::never;  // a refresh token is good once
    request.time_limit = sso_call_limit;
    request.response_headers = answer_headers();
    return context_.http.ask(request, largest_sso_answer);
  }

  // The other members stay: the AWS CLI reads them.
  void keep(const Value& answer) {
    const std::string token = text_at(answer, {"accessToken"});
    const Value* lasts = answer.find("expiresIn");
    if (token.empty() || !lasts || !lasts->is_integer()) log_in("the SSO session could not be renewed");
    cache_.set("accessToken", token);
    cache_.set("expiresAt", iso_time(context_.now() + lasts->as_integer()));
    if (const std::string next = text_at(answer, {"refreshToken"}); !next.empty())
      cache_.set("refreshToken", next);
    replace_own_file(path_, to_json(cache_, 2) + "\n");
  }

  const SourceContext& context_;
  const SsoConfig& config_;
  std::string profile_, path_;
  Value cache_;
};

HttpRequest role_request(const SourceContext& context, const SsoConfig& config, const std::string& profile,
                         const Secret& token) {
  const Endpoint endpoint =
      Endpoints(context.environment(), context.files(), profile).of(Service::sso, config.region);
  HttpRequest request{.url = fmt::format("{}/federation/credentials?role_name={}&account_id={}", endpoint.url,
                                         percent_encoded(config.role), percent_encoded(config.account))};
  request.headers = {"x-amz-sso_bearer_token: " + token.reveal()};
  request.redirects = Redirects::refuse;
  request.time_limit = sso_call_limit;
  request.response_headers = answer_headers();
  return request;
}

std::string ask_for_role(const SourceContext& context, const SsoConfig& config, const SsoToken& token,
                         const HttpRequest& request) {
  for (int number = 1;; ++number) {
    HttpAnswer answer = context.http.ask(request, largest_sso_answer);
    const auto failure = failure_of(answer, AnswerForm::json, "sso GetRoleCredentials", context.now());
    if (!failure) return std::move(answer.body);
    if (failure->status == 401) token.log_in("the SSO session is not accepted any more");
    const AwsError error(*failure);
    if (failure->status == 403 || failure->status == 404)
      throw Error(fmt::format("{}: the SSO session may not take the role {} in the account {} ({})",
                              config.where, config.role, config.account, error.message()));
    if (number == sso_attempts || error.error_class() != ErrorClass::retry) throw error;
    if (context.settings.wait) context.settings.wait(std::chrono::milliseconds(500 << number));
  }
}

}  // namespace

Found sso_session(const SourceContext& context, const std::string& profile) {
  const ConfigValue* account = context.files().find(profile, "sso_account_id");
  if (!account) account = context.files().find(profile, "sso_role_name");
  if (!account) return {};
  const SsoConfig config = sso_config(context, profile, *account);
  SsoToken token(context, config, profile);
  const HttpRequest request = role_request(context, config, profile, token.get());
  const Value answer = parse_json(ask_for_role(context, config, token, request), "the answer of sso");
  const Value* role = answer.find("roleCredentials");
  const Value* end = role ? role->find("expiration") : nullptr;
  if (!end || !end->is_integer()) throw Error("SSO answered without credentials");
  return credentials_of({text_at(*role, {"accessKeyId"}), text_at(*role, {"secretAccessKey"}),
                         text_at(*role, {"sessionToken"}), end->as_integer() / 1000},
                        {SourceKind::sso, config.where, profile});
}

}  // namespace mlops::aws
