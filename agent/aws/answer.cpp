#include "aws/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "aws/json.hpp"
#include "aws/xml.hpp"

namespace mlops::aws {
namespace {

std::string header(const HttpAnswer& answer, const std::string& name) {
  const auto found = answer.result.response.headers.find(name);
  return found == answer.result.response.headers.end() ? "" : found->second;
}

// EC2: Response/Errors/Error and RequestID; others: ErrorResponse/Error and RequestId.
void read_xml(const std::string& body, AwsFailure& failure) {
  const XmlNode root = parse_xml(body);
  const XmlNode* error = root.find("Errors/Error");
  if (!error) error = root.find("Error");
  if (!error) return;
  failure.code = error->text_at("Code");
  failure.message = error->text_at("Message");
  failure.request_id = root.text_at("RequestID");
  if (failure.request_id.empty()) failure.request_id = root.text_at("RequestId");
}

// "com.amazonaws.ssm#ParameterNotFound:http://…" is ParameterNotFound.
std::string plain_code(std::string code) {
  code = code.substr(0, code.find(':'));
  const std::size_t hash = code.rfind('#');
  return hash == code.npos ? code : code.substr(hash + 1);
}

void read_json(const std::string& body, AwsFailure& failure) {
  const Value error = parse_json(body, "answer");
  failure.code = plain_code(text_at(error, {"__type"}));
  if (failure.code.empty()) failure.code = plain_code(text_at(error, {"code"}));
  if (failure.code.empty()) failure.code = plain_code(text_at(error, {"error"}));  // OAuth: SSO's tokens
  failure.message = text_at(error, {"message"});
  if (failure.message.empty()) failure.message = text_at(error, {"Message"});
  if (failure.message.empty()) failure.message = text_at(error, {"error_description"});
}

// Proxies and load balancers answer HTML, or nothing.
std::string message_without_code(const HttpAnswer& answer) {
  const long status = answer.result.response.status;
  if (status >= 300 && status < 400)
    return fmt::format("it redirects to {}, which is not followed", header(answer, "Location"));
  return fmt::format("{}, not in the form of AWS: a proxy or another server seems to answer",
                     http_status_text(status));
}

AwsFailure unanswered(const HttpAnswer& answer, const std::string& call) {
  AwsFailure failure{.call = call, .message = answer.result.cause};
  failure.is_final = answer.result.end == HttpResult::End::refused;
  failure.sent = answer.result.sent ? Sent::unknown : Sent::no;
  if (failure.sent == Sent::unknown) failure.message += " (after the request was sent)";
  return failure;
}

Seconds clock_ahead(const HttpAnswer& answer, Seconds now) {
  const auto date = parse_http_date(header(answer, "Date"));
  return date ? now - *date : 0;
}

}  // namespace

std::vector<std::string> answer_headers() {
  return {"Date", "Location", "x-amz-retry-after", "x-amzn-RequestId", "x-amzn-ErrorType"};
}

bool is_throttled(const AwsFailure& failure) {
  constexpr std::string_view codes[] = {"RequestLimitExceeded",
                                        "Throttling",
                                        "ThrottlingException",
                                        "ThrottledException",
                                        "RequestThrottled",
                                        "RequestThrottledException",
                                        "TooManyRequestsException",
                                        "EC2ThrottledException",
                                        "SlowDown",
                                        "PriorRequestNotComplete"};
  return failure.status == 429 ||
         std::find(std::begin(codes), std::end(codes), failure.code) != std::end(codes);
}

std::optional<AwsFailure> failure_of(const HttpAnswer& answer, AnswerForm form, const std::string& call,
                                     Seconds now) {
  if (answer.result.end != HttpResult::End::answered) return unanswered(answer, call);
  const long status = answer.result.response.status;
  if (status >= 200 && status < 300) return {};
  AwsFailure failure{.call = call, .status = status, .request_id = header(answer, "x-amzn-RequestId")};
  failure.clock_ahead = clock_ahead(answer, now);
  try {
    if (form == AnswerForm::xml) read_xml(answer.body, failure);
    if (form == AnswerForm::json) read_json(answer.body, failure);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::other) throw;  // the backend is missing
  }
  if (failure.code.empty()) failure.code = plain_code(header(answer, "x-amzn-ErrorType"));
  if (failure.code.empty() && failure.message.empty()) failure.message = message_without_code(answer);
  const bool in_trouble = status >= 500 && classify(failure.code, status) == ErrorClass::retry;
  if (in_trouble && !is_throttled(failure)) failure.sent = Sent::unknown;
  return failure;
}

}  // namespace mlops::aws
