#include "aws/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <random>
#include <utility>

#include "aws/answer.hpp"
#include "aws/json.hpp"
#include "aws/signature.hpp"

namespace mlops::aws {
namespace {

constexpr std::size_t largest_answer = 16u << 20;
constexpr std::chrono::minutes call_limit{2};
constexpr std::chrono::seconds longest_delay{20}, longest_asked{60};
constexpr Seconds clock_tolerance = 240;  // requests five minutes old are refused
constexpr const char* form_type = "application/x-www-form-urlencoded; charset=utf-8";
constexpr const char* json_type = "application/x-amz-json-1.1";

double random_share() {
  static thread_local std::mt19937 random(std::random_device{}());
  return std::uniform_real_distribution<>(0, 1)(random);
}

template <std::size_t size>
bool is_one_of(const std::string& code, const std::string_view (&codes)[size]) {
  return std::find(std::begin(codes), std::end(codes), code) != std::end(codes);
}

// Whether the same once more can succeed, and does no harm.
bool may_repeat(const AwsFailure& failure, Repeat repeat) {
  if (AwsError(failure).error_class() != ErrorClass::retry) return false;
  return repeat == Repeat::allowed || failure.sent != Sent::unknown;
}

}  // namespace

struct Client::Call {
  Service service;
  std::string action, body;
  AnswerForm form;
  Repeat repeat;
  std::string name() const { return fmt::format("{} {}", facts_of(service).signing_name, action); }
};

struct Client::Outcome {
  std::string body;
  std::optional<AwsFailure> failure;
  std::chrono::milliseconds asked{0};  // to wait, by the service
};

int attempts_of(const Environment& environment, const ConfigFiles& files, const std::string& profile) {
  std::string text = environment.variable("AWS_MAX_ATTEMPTS"), where = "AWS_MAX_ATTEMPTS";
  if (const ConfigValue* value = files.find(profile, "max_attempts"); text.empty() && value) {
    text = value->text;
    where = value->where;
  }
  if (text.empty()) return ClientSettings().attempts;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > 20)
    throw Error(fmt::format("{}: the number of attempts must be from 1 to 20", where));
  return number;
}

std::string ca_bundle_of(const Environment& environment, const ConfigFiles& files, const std::string& profile) {
  const std::string given = environment.variable("AWS_CA_BUNDLE");
  return environment.expand(given.empty() ? files.text(profile, "ca_bundle") : given);
}

Client::Client(CredentialProvider* credentials, Region region, Endpoints endpoints, HttpClient& http,
               ClientSettings settings)
    : credentials_(credentials),
      region_(std::move(region)),
      endpoints_(std::move(endpoints)),
      http_(http),
      settings_(std::move(settings)) {
  if (!settings_.jitter) settings_.jitter = random_share;
}

XmlNode Client::query(Service service, const std::string& action, const Params& params, Repeat repeat) {
  return query_body(service, action, params.body(action, facts_of(service).version), repeat);
}

XmlNode Client::query_body(Service service, const std::string& action, const std::string& body, Repeat repeat) {
  const Call call{service, action, body, AnswerForm::xml, repeat};
  const std::string answer = send(call);
  std::string why = "the answer is of another kind";
  try {
    XmlNode root = parse_xml(answer);
    if (root.name == action + "Response") return root;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::other) throw;
    why = error.message();
  }
  throw AwsError({.call = call.name(),
                  .message = why + ": a proxy or another server seems to answer",
                  .status = 200,
                  .sent = Sent::unknown});
}

Value Client::json(Service service, const std::string& action, const Value& input) {
  const Call call{service, action, to_json(input), AnswerForm::json, Repeat::allowed};
  const std::string answer = send(call);
  try {
    return parse_json(answer, "answer");
  } catch (const Error& error) {
    throw AwsError({.call = call.name(),
                    .message = error.message() + ": a proxy or another server seems to answer",
                    .status = 200,
                    .sent = Sent::unknown});
  }
}

std::string Client::send(const Call& call) {
  clock_corrected_ = renewed_ = false;
  for (int number = 1;; ++number) {
    Outcome outcome = attempt(call);
    if (!outcome.failure) return std::move(outcome.body);
    const AwsFailure& failure = *outcome.failure;
    if (corrects_clock(failure) || renews_credentials(failure)) continue;
    if (number >= settings_.attempts || !may_repeat(failure, call.repeat)) throw AwsError(failure);
    if (settings_.wait) settings_.wait(delay(number, outcome));
  }
}

Client::Outcome Client::attempt(const Call& call) {
  const HttpRequest request = request_of(call);
  ++traffic_.calls;
  traffic_.bytes_sent += call.body.size();
  HttpAnswer answer = http_.ask(request, largest_answer);
  traffic_.bytes_received += answer.body.size();
  Outcome outcome{"", failure_of(answer, call.form, call.name(), settings_.now()), {}};
  outcome.body = std::move(answer.body);
  const auto& headers = answer.result.response.headers;
  if (const auto after = headers.find("x-amz-retry-after"); after != headers.end())
    outcome.asked = std::chrono::milliseconds(std::strtoul(after->second.c_str(), nullptr, 10));
  return outcome;
}

HttpRequest Client::request_of(const Call& call) {
  const Endpoint endpoint = endpoints_.of(call.service, region_.name);
  const ServiceFacts& facts = facts_of(call.service);
  SignedRequest signing{"POST", endpoint.path, call.body, {{"host", endpoint.host}}};
  signing.headers["content-type"] = call.form == AnswerForm::xml ? form_type : json_type;
  if (call.form == AnswerForm::json)
    signing.headers["x-amz-target"] = fmt::format("{}.{}", facts.target, call.action);
  if (credentials_) sign(signing, {endpoint.region, facts.signing_name, now()}, credentials_->get());
  HttpRequest request{.url = endpoint.url + (endpoint.path == "/" ? "/" : ""), .method = "POST"};
  for (const auto& [name, value] : signing.headers) request.headers.push_back(name + ": " + value);
  request.body = call.body;
  request.redirects = Redirects::refuse;
  request.resend = call.repeat == Repeat::never ? Resend::never : Resend::allowed;
  request.time_limit = call_limit;
  request.response_headers = answer_headers();
  return request;
}

bool Client::corrects_clock(const AwsFailure& failure) {
  constexpr std::string_view codes[] = {"RequestExpired",        "RequestTimeTooSkewed",
                                        "RequestInTheFuture",    "InvalidSignatureException",
                                        "SignatureDoesNotMatch", "AuthFailure"};
  if (clock_corrected_ || !is_one_of(failure.code, codes)) return false;
  if (std::llabs(failure.clock_ahead + clock_correction_) < clock_tolerance) return false;
  clock_correction_ = -failure.clock_ahead;
  return clock_corrected_ = true;
}

bool Client::renews_credentials(const AwsFailure& failure) {
  constexpr std::string_view codes[] = {"ExpiredToken", "ExpiredTokenException"};
  if (renewed_ || !credentials_ || !is_one_of(failure.code, codes)) return false;
  credentials_->forget();
  return renewed_ = true;
}

std::chrono::milliseconds Client::delay(int attempt, const Outcome& outcome) const {
  using std::chrono::milliseconds;
  if (outcome.asked.count() > 0) return std::min<milliseconds>(outcome.asked, longest_asked);
  const milliseconds most = std::min<milliseconds>(milliseconds(1000) * (1 << (attempt - 1)), longest_delay);
  return milliseconds(static_cast<std::int64_t>(settings_.jitter() * static_cast<double>(most.count())));
}

}  // namespace mlops::aws
