#include "aws/instance_metadata.hpp"

#include <algorithm>

namespace mlops::aws {
namespace {

constexpr std::chrono::seconds limit{1};
constexpr std::size_t largest = 64u << 10;

bool is_token(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

InstanceMetadata::InstanceMetadata(HttpClient& http, const Environment& environment) : http_(http) {
  if (environment.is_true("AWS_EC2_METADATA_DISABLED")) return;
  endpoint_ = environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (endpoint_.empty()) endpoint_ = "http://169.254.169.254";
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
}

HttpRequest InstanceMetadata::request(const std::string& path) const {
  HttpRequest request{.url = endpoint_ + path};
  request.redirects = Redirects::refuse;
  request.proxy = Proxy::none;
  request.connect_limit = request.time_limit = limit;
  return request;
}

bool InstanceMetadata::has_token() {
  if (asked_ || endpoint_.empty()) return !token_.empty();
  asked_ = true;
  HttpRequest put = request("/latest/api/token");
  put.method = "PUT";
  put.body = "";
  put.headers = {"X-aws-ec2-metadata-token-ttl-seconds: 21600"};
  const HttpAnswer answer = http_.ask(put, largest);
  const bool is_good = answer.result.end == HttpResult::End::answered && answer.result.response.status == 200;
  if (is_good && is_token(answer.body)) token_ = answer.body;
  return !token_.empty();
}

std::optional<std::string> InstanceMetadata::get(const std::string& path) {
  if (!has_token()) return {};
  HttpRequest get = request(path);
  get.headers = {"X-aws-ec2-metadata-token: " + token_};
  const HttpAnswer answer = http_.ask(get, largest);
  if (answer.result.end != HttpResult::End::answered || answer.result.response.status != 200) return {};
  return answer.body;
}

std::string InstanceMetadata::region() { return get("/latest/meta-data/placement/region").value_or(""); }

}  // namespace mlops::aws
