// Where a service is reached.
#pragma once

#include <string>

#include "aws/config_files.hpp"

namespace mlops::aws {

enum class Service { ec2, sts, ssm, pricing, service_quotas, sso, sso_oidc };

// What the service model of botocore says of a service.
struct ServiceFacts {
  const char* prefix;        // of its host's name
  const char* signing_name;  // in the scope of a signature
  const char* version;       // of the query protocol; "" for JSON
  const char* target;        // before the action in X-Amz-Target; "" for others
  const char* variable;      // AWS_ENDPOINT_URL_…
  const char* config_name;   // in a `services` section
};
const ServiceFacts& facts_of(Service service);

// A part of AWS with accounts and names of its own, by the form of the region's name.
struct Partition {
  const char* name;    // "aws"
  const char* suffix;  // "amazonaws.com"
};
Partition partition_of(const std::string& region);

struct Endpoint {
  std::string url;     // "https://ec2.eu-central-1.amazonaws.com", without a / at its end
  std::string host;    // with the port if it is not the scheme's own
  std::string path;    // "/", or that of a configured URL
  std::string region;  // to sign for
  std::string source;  // who named it: "AWS_ENDPOINT_URL", "FILE:LINE"; "" for AWS's own
};

// The endpoints as configured: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's `services` section,
// its endpoint_url; else AWS's own, also with AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT (or the
// profile's settings of these names).
class Endpoints {
 public:
  Endpoints(const Environment& environment, const ConfigFiles& files, std::string profile);

  // Error with its place for a configured URL that is none, or is http and not of this machine: a session token
  // would go over the network in the clear.
  Endpoint of(Service service, const std::string& region) const;

 private:
  struct Configured {
    std::string url, source;
  };
  Configured configured(Service service) const;
  bool is_on(const char* variable, const char* setting) const;
  std::string own_host(Service service, const std::string& region) const;

  Environment environment_;
  ConfigFiles files_;
  std::string profile_;
};

}  // namespace mlops::aws
