#include "aws/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/url_password.hpp"

namespace mlops::aws {
namespace {

struct Url {
  std::string scheme, host, path;  // host: with its port; path without a / at its end
};

Url parts_of(const std::string& url) {
  const std::size_t end = url.find("://");
  if (end == url.npos) return {};
  const std::size_t slash = std::min(url.find('/', end + 3), url.size());
  std::string path = url.substr(slash);
  while (path.ends_with('/')) path.pop_back();
  return {url.substr(0, end), url.substr(end + 3, slash - end - 3), path};
}

std::string without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback(const std::string& host) {
  const std::string name = without_port(host);
  return name == "localhost" || name == "[::1]" ||
         (name.starts_with("127.") && name.find_first_not_of("0123456789.") == name.npos);
}

bool is_plain(const Url& url) {
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:[]/").find(c) != std::string_view::npos;
  };
  const std::string all = url.host + url.path;
  return !url.host.empty() && std::all_of(all.begin(), all.end(), safe);
}

// The host as HTTP names it: without the scheme's own port.
std::string host_header(const Url& url) {
  const std::string_view usual = url.scheme == "https" ? ":443" : ":80";
  return url.host.ends_with(usual) ? url.host.substr(0, url.host.size() - usual.size()) : url.host;
}

Endpoint checked(const std::string& given, const std::string& source) {
  const Url url = parts_of(given);
  const std::string shown = printable(without_url_passwords(given));
  if ((url.scheme != "https" && url.scheme != "http") || !is_plain(url))
    throw Error(fmt::format("{}: {} is not the URL of an endpoint, such as https://host:port", source, shown));
  if (url.scheme == "http" && !is_loopback(url.host))
    throw Error(
        fmt::format("{}: {} would send session tokens over the network in the clear; use https, or an "
                    "address of this machine",
                    source, shown));
  const std::string base = fmt::format("{}://{}{}", url.scheme, url.host, url.path);
  return {base, host_header(url), url.path.empty() ? "/" : url.path, "", source};
}

}  // namespace

const ServiceFacts& facts_of(Service service) {
  static constexpr ServiceFacts facts[] = {
      {"ec2", "ec2", "2016-11-15", "", "AWS_ENDPOINT_URL_EC2", "ec2"},
      {"sts", "sts", "2011-06-15", "", "AWS_ENDPOINT_URL_STS", "sts"},
      {"ssm", "ssm", "", "AmazonSSM", "AWS_ENDPOINT_URL_SSM", "ssm"},
      {"api.pricing", "pricing", "", "AWSPriceListService", "AWS_ENDPOINT_URL_PRICING", "pricing"},
      {"servicequotas", "servicequotas", "", "ServiceQuotasV20190624", "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
       "service_quotas"},
      {"portal.sso", "awsssoportal", "", "", "AWS_ENDPOINT_URL_SSO", "sso"},
      {"oidc", "sso-oauth", "", "", "AWS_ENDPOINT_URL_SSO_OIDC", "sso_oidc"},
  };
  return facts[static_cast<std::size_t>(service)];
}

Partition partition_of(const std::string& region) {
  static constexpr std::pair<const char*, Partition> partitions[] = {
      {"cn-", {"aws-cn", "amazonaws.com.cn"}},       {"us-gov-", {"aws-us-gov", "amazonaws.com"}},
      {"eusc-", {"aws-eusc", "amazonaws.eu"}},       {"us-iso-", {"aws-iso", "c2s.ic.gov"}},
      {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov"}},  {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk"}},
      {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov"}},
  };
  for (const auto& [beginning, partition] : partitions)
    if (region.starts_with(beginning)) return partition;
  return {"aws", "amazonaws.com"};
}

Endpoints::Endpoints(const Environment& environment, const ConfigFiles& files, std::string profile)
    : environment_(environment), files_(files), profile_(std::move(profile)) {}

bool Endpoints::is_on(const char* variable, const char* setting) const {
  if (!environment_.variable(variable).empty()) return environment_.is_true(variable);
  return ::strcasecmp(files_.text(profile_, setting).c_str(), "true") == 0;
}

Endpoints::Configured Endpoints::configured(Service service) const {
  if (is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")) return {};
  const ServiceFacts& facts = facts_of(service);
  for (const char* variable : {facts.variable, "AWS_ENDPOINT_URL"})
    if (const std::string url = environment_.variable(variable); !url.empty()) return {url, variable};
  if (const auto section = files_.services.find(files_.text(profile_, "services"));
      section != files_.services.end()) {
    if (const ConfigValue* own = section->second.find(facts.config_name))
      if (const auto url = own->nested.find("endpoint_url"); url != own->nested.end())
        return {url->second.text, url->second.where};
  }
  const ConfigValue* url = files_.find(profile_, "endpoint_url");
  return url ? Configured{url->text, url->where} : Configured{};
}

std::string Endpoints::own_host(Service service, const std::string& region) const {
  const bool fips = is_on("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
  const bool dual = is_on("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
  const Partition partition = partition_of(region);
  const bool is_aws = std::string_view(partition.name) == "aws";
  return fmt::format("{}{}.{}.{}", facts_of(service).prefix, fips ? "-fips" : "", region,
                     dual && is_aws ? "api.aws" : partition.suffix);
}

Endpoint Endpoints::of(Service service, const std::string& region) const {
  // Prices are served in few regions: us-east-1 knows all of them.
  const std::string place = service == Service::pricing ? "us-east-1" : region;
  const Configured given = configured(service);
  Endpoint endpoint;
  if (given.url.empty()) {
    const std::string host = own_host(service, place);
    endpoint = {"https://" + host, host, "/", "", ""};
  } else {
    endpoint = checked(given.url, given.source);
  }
  endpoint.region = place;
  return endpoint;
}

}  // namespace mlops::aws
