#include "aws/signature.hpp"

#include <fmt/format.h>

#include "base/digest.hpp"

namespace mlops::aws {
namespace {

constexpr const char* algorithm = "AWS4-HMAC-SHA256";

// Without blanks around it, and inner runs of blanks as one.
std::string with_single_blanks(const std::string& value) {
  std::string text;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank) text += c;
    if (blank && !text.empty() && text.back() != ' ') text += ' ';
  }
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

std::string signed_names(const SignedRequest& request) {
  std::string names;
  for (const auto& [name, value] : request.headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string date_of(const SigningScope& scope) { return basic_time(scope.moment).substr(0, 8); }

std::string credential_scope(const SigningScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", date_of(scope), scope.region, scope.service);
}

// The last key but one: only the request's type is still to be mixed in.
Secret service_key(const SigningScope& scope, const Secret& secret) {
  const Secret first("AWS4" + secret.reveal());
  const Secret date(hmac_sha256(first.reveal(), date_of(scope)));
  const Secret region(hmac_sha256(date.reveal(), scope.region));
  return Secret(hmac_sha256(region.reveal(), scope.service));
}

}  // namespace

std::string canonical_request(const SignedRequest& request) {
  std::string text = fmt::format("{}\n{}\n\n", request.method, request.path);
  for (const auto& [name, value] : request.headers)
    text += fmt::format("{}:{}\n", name, with_single_blanks(value));
  return text + fmt::format("\n{}\n{}", signed_names(request), sha256_hex(request.body));
}

std::string signing_key_hex(const SigningScope& scope, const Secret& secret) {
  return hmac_sha256_hex(service_key(scope, secret).reveal(), "aws4_request");
}

void sign(SignedRequest& request, const SigningScope& scope, const Credentials& credentials) {
  request.headers["x-amz-date"] = basic_time(scope.moment);
  if (!credentials.session_token.empty())
    request.headers["x-amz-security-token"] = credentials.session_token.reveal();
  const std::string place = credential_scope(scope);
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", algorithm, basic_time(scope.moment), place,
                                          sha256_hex(canonical_request(request)));
  const Secret key(hmac_sha256(service_key(scope, credentials.secret).reveal(), "aws4_request"));
  request.headers["authorization"] =
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm, credentials.access_key_id,
                  place, signed_names(request), hmac_sha256_hex(key.reveal(), to_sign));
}

}  // namespace mlops::aws
