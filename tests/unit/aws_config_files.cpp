// ~/.aws/config and ~/.aws/credentials, and what is taken from them: profile, region, endpoints.
#include "aws/config_files.hpp"

#include <sys/stat.h>

#include "aws/endpoint.hpp"
#include "aws/region.hpp"
#include "support/aws_site.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;
using mlops::test::AwsSite;

namespace {

template <class Step>
std::string mistake(Step step) {
  try {
    step();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

std::string mistake_in(const std::string& text) {
  return mistake([&] { parse_config(text, "f"); });
}

aws::Endpoint endpoint(const AwsSite& site, Service service = Service::ec2,
                       const std::string& profile = "default", const std::string& region = "eu-central-1") {
  return Endpoints(site.environment, read_config_files(site.environment), profile).of(service, region);
}

Region region(const AwsSite& site, RegionChoice choice = {"", "", "default", {}}) {
  return find_region(choice, site.environment, read_config_files(site.environment));
}

}  // namespace

TEST_CASE("sections, values, comments and indented lines are read with their places", "[aws]") {
  const auto sections = parse_config(
      "\xef\xbb\xbf# first\n[default]\nRegion = eu-central-1\r\n; second\n\n[ services s ]\nec2 =\n  "
      "endpoint_url = "
      "http://127.0.0.1:1\n  # third\n\n  other: x\nsts =\n\tendpoint_url=y\n[profile a] # fourth\nlong = "
      "one\n  two\n",
      "f");
  const ConfigSection& first = sections.at("default");
  CHECK(first.find("region")->text == "eu-central-1");
  CHECK(first.find("region")->where == "f:3");
  const ConfigSection& services = sections.at("services s");
  CHECK(services.find("ec2")->nested.at("endpoint_url").text == "http://127.0.0.1:1");
  CHECK(services.find("ec2")->nested.at("endpoint_url").where == "f:8");
  CHECK(services.find("ec2")->nested.at("other").text == "x");
  CHECK(services.find("sts")->nested.at("endpoint_url").text == "y");
  CHECK(sections.at("profile a").text("long") == "one\ntwo");
}

TEST_CASE("a mistake in a file is named with its line", "[aws]") {
  CHECK(mistake_in("region = x\n") == "f:1: there is no [section] before this line");
  CHECK(mistake_in("[a]\nwhat\n") == "f:2: this is neither `name = value` nor a [section]");
  CHECK(mistake_in("[a\n") == "f:1: the section's name has no ] at its end");
  CHECK(mistake_in("[]\n") == "f:1: the section has no name");
  CHECK(mistake_in("[a] b\n") == "f:1: there is text after the section's name");
  CHECK(mistake_in("[a]\nx = 1\nX = 2\n") == "f:3: x is there already (f:2)");
  CHECK(mistake_in("[a]\n[b]\n[a]\n") == "f:3: the section [a] is there already (f:1)");
  CHECK(mistake_in("[a]\ns3 =\n  what\n") == "f:3: this indented line is not `name = value`");
  CHECK(mistake_in("[a]\nx = \xff\n") == "f:2: this line is not UTF-8");
}

TEST_CASE("both files together are one profile, and the credentials file comes first", "[aws]") {
  AwsSite site;
  site.config(
      "[profile \"my work\"]\nregion = eu-west-1\naws_access_key_id = A\n[sso-session s]\nsso_region = x\n");
  site.credentials("[my work]\naws_access_key_id = B\n[other]\n");
  const ConfigFiles files = read_config_files(site.environment);
  CHECK(files.text("my work", "region") == "eu-west-1");
  CHECK(files.text("my work", "aws_access_key_id") == "B");
  CHECK(files.find("my work", "aws_access_key_id")->where == site.path(".aws/credentials") + ":2");
  CHECK(files.sso_sessions.at("s").text("sso_region") == "x");
  CHECK(files.profile_names() == std::vector<std::string>{"my work", "other"});
}

TEST_CASE("other files can be named, and missing ones are empty", "[aws]") {
  AwsSite site;
  CHECK(read_config_files(site.environment).profile_names().empty());
  site.file("elsewhere/c", "[default]\nregion = x\n");
  site.environment.variables["AWS_CONFIG_FILE"] = "~/elsewhere/c";
  CHECK(read_config_files(site.environment).text("default", "region") == "x");
}

TEST_CASE("a file that others can write to is not used", "[aws]") {
  AwsSite site;
  site.config("[default]\nregion = x\n");
  ::chmod(site.path(".aws/config").c_str(), 0666);
  CHECK_THAT(mistake([&] { read_config_files(site.environment); }),
             Catch::Contains("is not used") && Catch::Contains("writable by everyone") &&
                 Catch::Contains("chmod go-w"));
}

TEST_CASE("the profile is named by the caller, or by the environment, and must be there", "[aws]") {
  AwsSite site;
  site.config("[profile work]\n[profile play]\n");
  const ConfigFiles files = read_config_files(site.environment);
  const auto chosen = [&](const std::string& given) {
    return choose_profile(given, "--profile", site.environment, files);
  };
  CHECK(chosen("").name == "default");
  site.environment.variables["AWS_PROFILE"] = "work";
  CHECK(chosen("").name == "work");
  CHECK(chosen("").where == "AWS_PROFILE");
  CHECK_FALSE(chosen("").is_explicit);
  CHECK(chosen("play").name == "play");
  CHECK(chosen("play").is_explicit);
  CHECK_THAT(mistake([&] { chosen("wrok"); }),
             Catch::Contains("there is no AWS profile wrok (named by --profile)") && Catch::Contains("`work`"));
}

TEST_CASE("the region is the first of flag, environment, profile and instance, and never assumed", "[aws]") {
  AwsSite site;
  site.config("[default]\nregion = eu-west-1\n");
  CHECK(region(site).source == site.path(".aws/config") + ":2");
  site.environment.variables["AWS_DEFAULT_REGION"] = "eu-west-2";
  CHECK(region(site).name == "eu-west-2");
  site.environment.variables["AWS_REGION"] = "eu-west-3";
  CHECK(region(site).name == "eu-west-3");
  CHECK(region(site).source == "AWS_REGION");
  CHECK(region(site, {"us-east-1", "playbook.json:3", "default", {}}).source == "playbook.json:3");
  const AwsSite bare;
  CHECK(region(bare, {"", "", "default", [] { return "sa-east-1"; }}).source == "this instance");
  CHECK_THAT(mistake([&] { region(bare); }),
             Catch::Contains("no AWS region is given") && Catch::Contains("AWS_REGION") &&
                 Catch::Contains("AWS_DEFAULT_REGION") && Catch::Contains("the profile default"));
  CHECK_THAT(mistake([&] {
               region(bare, {"evil.com/", "p.json:1", "default", {}});
             }),
             Catch::Contains("p.json:1: evil.com/ is not the name of an AWS region"));
}

TEST_CASE("each partition has its own hosts", "[aws]") {
  AwsSite site;
  const auto host = [&](const char* name, Service service = Service::ec2) {
    return endpoint(site, service, "default", name).host;
  };
  CHECK(host("eu-central-1") == "ec2.eu-central-1.amazonaws.com");
  CHECK(host("cn-north-1") == "ec2.cn-north-1.amazonaws.com.cn");
  CHECK(host("us-gov-west-1") == "ec2.us-gov-west-1.amazonaws.com");
  CHECK(host("eusc-de-east-1") == "ec2.eusc-de-east-1.amazonaws.eu");
  CHECK(host("us-isob-east-1") == "ec2.us-isob-east-1.sc2s.sgov.gov");
  CHECK(host("eu-central-1", Service::sso) == "portal.sso.eu-central-1.amazonaws.com");
  const aws::Endpoint pricing = endpoint(site, Service::pricing);
  CHECK(pricing.host == "api.pricing.us-east-1.amazonaws.com");
  CHECK(pricing.region == "us-east-1");
  site.environment.variables["AWS_USE_FIPS_ENDPOINT"] = "true";
  CHECK(host("us-east-1") == "ec2-fips.us-east-1.amazonaws.com");
  site.environment.variables["AWS_USE_FIPS_ENDPOINT"] = "false";
  site.environment.variables["AWS_USE_DUALSTACK_ENDPOINT"] = "true";
  CHECK(host("us-east-1") == "ec2.us-east-1.api.aws");
}

TEST_CASE("configured endpoints come in their order", "[aws]") {
  AwsSite site;
  site.config(
      "[default]\nendpoint_url = https://p.example/\nservices = s\n[services s]\nec2 =\n  endpoint_url = "
      "https://s.example:8443/path\n");
  CHECK(endpoint(site).url == "https://s.example:8443/path");
  CHECK(endpoint(site).host == "s.example:8443");
  CHECK(endpoint(site).path == "/path");
  CHECK(endpoint(site).source == site.path(".aws/config") + ":6");
  CHECK(endpoint(site, Service::sts).url == "https://p.example");
  site.environment.variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566";
  CHECK(endpoint(site).source == "AWS_ENDPOINT_URL");
  site.environment.variables["AWS_ENDPOINT_URL_EC2"] = "http://localhost:80";
  CHECK(endpoint(site).source == "AWS_ENDPOINT_URL_EC2");
  CHECK(endpoint(site).host == "localhost");
  CHECK(endpoint(site, Service::sts).source == "AWS_ENDPOINT_URL");
  site.environment.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  CHECK(endpoint(site).source.empty());
}

TEST_CASE("an endpoint that is none, or sends tokens in the clear, is refused", "[aws]") {
  AwsSite site;
  for (const char* url :
       {"ec2.example", "ftp://x", "https://", "https://a b", "https://u:pw@x", "https://x\r\nA: b"}) {
    INFO(url);
    site.environment.variables["AWS_ENDPOINT_URL_EC2"] = url;
    const std::string error = mistake([&] { endpoint(site); });
    CHECK_THAT(error,
               Catch::Contains("AWS_ENDPOINT_URL_EC2: ") && Catch::Contains("is not the URL of an endpoint"));
    CHECK_THAT(error, !Catch::Contains("pw@"));
  }
  for (const char* url :
       {"http://10.0.0.1", "http://127.0.0.1.evil.example", "http://localhost.evil.example"}) {
    INFO(url);
    site.environment.variables["AWS_ENDPOINT_URL_EC2"] = url;
    CHECK_THAT(mistake([&] { endpoint(site); }), Catch::Contains("in the clear"));
  }
}
