// The role of the container or of the instance that this runs on.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aws/credential_sources.hpp"
#include "aws/instance_metadata.hpp"
#include "aws/json.hpp"
#include "aws/own_file.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"

namespace mlops::aws {
namespace {

constexpr std::size_t largest_role_answer = 64u << 10;
constexpr std::chrono::seconds role_call_limit{2};
constexpr int role_attempts = 3;
constexpr const char *relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                     *full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

// "127.0.0.1" of "http://127.0.0.1:80/x"; "" if it is no such URL, or has a user in it.
std::string host_of(const std::string& url, std::string_view scheme) {
  if (!url.starts_with(scheme)) return "";
  const std::string rest = url.substr(scheme.size());
  const std::string place = rest.substr(0, rest.find_first_of("/?#"));
  if (place.find('@') != place.npos) return "";
  if (place.starts_with('[')) return place.substr(1, place.find(']') - 1);
  return place.substr(0, place.find(':'));
}

// Over http, credentials come from this machine and from the addresses of ECS and EKS alone.
bool is_allowed(const std::string& url) {
  if (!host_of(url, "https://").empty()) return true;
  const std::string host = host_of(url, "http://");
  const bool is_loopback = host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos;
  constexpr std::string_view others[] = {"localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  return is_loopback || std::find(std::begin(others), std::end(others), host) != std::end(others);
}

std::string authorization(const Environment& environment) {
  const std::string path = environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  std::string token = environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (!path.empty()) {
    const auto text = read_own_file(path, environment);
    if (!text) throw Error("there is no file " + path + ", which AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names");
    token = *text;
  }
  while (token.ends_with('\n')) token.pop_back();
  if (std::any_of(token.begin(), token.end(), [](char c) { return c < ' '; }))
    throw Error("the container's authorization token has line breaks in it");
  return token;
}

HttpAnswer ask_container(const SourceContext& context, const std::string& url, const std::string& variable) {
  HttpRequest request{.url = url};
  if (const std::string token = authorization(context.environment()); !token.empty())
    request.headers = {"Authorization: " + token};
  request.redirects = Redirects::refuse;
  request.proxy = Proxy::none;
  request.connect_limit = request.time_limit = role_call_limit;
  for (int number = 1;; ++number) {
    HttpAnswer answer = context.http.ask(request, largest_role_answer);
    const bool answered = answer.result.end == HttpResult::End::answered;
    const long status = answer.result.response.status;
    if (answered && status == 200) return answer;
    const bool again = number < role_attempts && (!answered || is_worth_another_try(status));
    if (!again)
      throw Error(fmt::format("the container's credentials ({}) cannot be read: {}", variable,
                              answered ? http_status_text(status) : answer.result.cause));
    if (context.settings.wait) context.settings.wait(std::chrono::milliseconds(250 << number));
  }
}

}  // namespace

Found container_role(const SourceContext& context) {
  const Environment& environment = context.environment();
  std::string url = environment.variable(full), variable = full;
  if (const std::string path = environment.variable(relative); !path.empty()) {
    url = "http://169.254.170.2" + (path.starts_with('/') ? path : "/" + path);
    variable = relative;
  }
  if (url.empty()) return {};
  if (!is_allowed(url))
    throw Error(
        fmt::format("{}: credentials are not taken from {}: only https, or http from this machine and from "
                    "the addresses of ECS and EKS",
                    variable, printable(url)));
  const HttpAnswer answer = ask_container(context, url, variable);
  return credentials_in(parse_json(answer.body, "the container's answer"), "Token",
                        {SourceKind::container, variable, ""}, context.now());
}

Found instance_role(const SourceContext& context) {
  InstanceMetadata metadata(context.http, context.environment());
  const std::string folder = "/latest/meta-data/iam/security-credentials/";
  std::string role = metadata.get(folder).value_or("");
  role = role.substr(0, role.find('\n'));
  if (role.empty() || role.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                             "+=,.@_-") != role.npos)
    return {};
  const auto text = metadata.get(folder + role);
  if (!text) return {};
  const Value answer = parse_json(*text, "the instance's answer");
  const std::string code = text_at(answer, {"Code"});
  if (code != "Success")
    throw Error(fmt::format("the instance's role {} has no credentials: {}", role, printable(code)));
  return credentials_in(answer, "Token", {SourceKind::instance, metadata.endpoint() + folder + role, ""},
                        context.now());
}

}  // namespace mlops::aws
