// The metadata service of the EC2 instance that this runs on (IMDSv2).
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
#pragma once

#include <optional>
#include <string>

#include "aws/environment.hpp"
#include "http/client.hpp"

namespace mlops::aws {

// Waits at most a second, never goes through a proxy, never falls back to version 1. AWS_EC2_METADATA_DISABLED
// switches it off; AWS_EC2_METADATA_SERVICE_ENDPOINT names another address.
class InstanceMetadata {
 public:
  InstanceMetadata(HttpClient& http, const Environment& environment);

  // The text at "/latest/meta-data/…"; absent if it is not there or this is no instance. Error cancelled.
  std::optional<std::string> get(const std::string& path);
  // "" if this is no instance.
  std::string region();
  const std::string& endpoint() const { return endpoint_; }

 private:
  HttpRequest request(const std::string& path) const;
  bool has_token();

  HttpClient& http_;
  std::string endpoint_;  // "": it is switched off
  bool asked_ = false;
  std::string token_;
};

}  // namespace mlops::aws
