// Where credentials are found, in which order, and what is said where they are not: keys, programs and
// machines.
#include <sys/stat.h>

#include "aws/credential_chain.hpp"
#include "aws/credential_sources.hpp"
#include "aws/instance_metadata.hpp"
#include "base/digest.hpp"
#include "support/aws_site.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;
using mlops::test::AwsSite;
using mlops::test::http_answer;
using mlops::test::HttpRequestSeen;
using mlops::test::HttpServer;
using mlops::test::noon;

namespace {

void set_keys(AwsSite& site, const std::string& id = "AKIDENV") {
  site.environment.variables["AWS_ACCESS_KEY_ID"] = id;
  site.environment.variables["AWS_SECRET_ACCESS_KEY"] = "envsecret";
}

std::string keys(const std::string& id) {
  return "aws_access_key_id = " + id + "\naws_secret_access_key = s3cr3t\n";
}

const std::string instance_keys =
    R"({"Code":"Success","AccessKeyId":"ASIAI","SecretAccessKey":"s","Token":"t","Expiration":"2026-08-01T18:00:00Z"})";

// The metadata service of an instance with a role.
mlops::test::HttpBytes metadata(const HttpRequestSeen& seen) {
  if (seen.path == "/latest/api/token")
    return seen.method == "PUT" && seen.header("x-aws-ec2-metadata-token-ttl-seconds") == "21600"
               ? http_answer("200 OK", "TOKEN==")
               : http_answer("400 Bad Request", "");
  if (seen.header("x-aws-ec2-metadata-token") != "TOKEN==") return http_answer("401 Unauthorized", "");
  const std::string folder = "/latest/meta-data/iam/security-credentials/";
  if (seen.path == folder) return http_answer("200 OK", "my-role");
  if (seen.path == folder + "my-role") return http_answer("200 OK", instance_keys);
  if (seen.path == "/latest/meta-data/placement/region") return http_answer("200 OK", "eu-north-1");
  return http_answer("404 Not Found", "");
}

void set_metadata(AwsSite& site, const HttpServer& server) {
  site.environment.variables.erase("AWS_EC2_METADATA_DISABLED");
  site.environment.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url("/");
}

std::string process_profile(const std::string& command) {
  return "[default]\ncredential_process = " + command + "\n";
}

}  // namespace

TEST_CASE("the environment's keys come first, unless the caller named a profile", "[aws]") {
  AwsSite site;
  site.credentials("[default]\n" + keys("AKIDFILE"));
  set_keys(site);
  site.environment.variables["AWS_SESSION_TOKEN"] = "tok";
  const Credentials found = site.load();
  CHECK(found.access_key_id == "AKIDENV");
  CHECK(found.secret.reveal() == "envsecret");
  CHECK(found.session_token.reveal() == "tok");
  CHECK(found.source.kind == SourceKind::environment);
  CHECK(site.load("default").access_key_id == "AKIDFILE");
  site.environment.variables["AWS_PROFILE"] = "default";
  CHECK(site.load().access_key_id == "AKIDENV");
}

TEST_CASE("half of a key is a mistake", "[aws]") {
  AwsSite site;
  site.environment.variables["AWS_ACCESS_KEY_ID"] = "AKIDENV";
  CHECK(site.failure() == "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
  AwsSite file;
  file.credentials("[default]\naws_access_key_id = A\n");
  CHECK(file.failure() == file.path(".aws/credentials") +
                              ":2: the profile default has aws_access_key_id without aws_secret_access_key");
}

TEST_CASE("keys of the environment that have expired are said to be", "[aws]") {
  AwsSite site;
  set_keys(site);
  site.environment.variables["AWS_CREDENTIAL_EXPIRATION"] = "2026-08-01T11:00:00Z";
  CHECK_THAT(site.failure(), Catch::Contains("expired at 2026-08-01T11:00:00Z: set them anew"));
}

TEST_CASE("the credentials file comes before the config file", "[aws]") {
  AwsSite site;
  site.config("[default]\n" + keys("AKIDCONFIG") + "[profile other]\n" + keys("AKIDOTHER"));
  site.credentials("[default]\n" + keys("AKIDFILE") + "aws_session_token = t\n");
  const Credentials found = site.load();
  CHECK(found.access_key_id == "AKIDFILE");
  CHECK(found.session_token.reveal() == "t");
  CHECK(found.source.where == site.path(".aws/credentials") + ":2");
  CHECK(describe(found.source) ==
        "the credentials file of the profile default (" + site.path(".aws/credentials") + ":2)");
  const Credentials other = site.load("other");
  CHECK(other.access_key_id == "AKIDOTHER");
  CHECK(other.source.kind == SourceKind::config_file);
  CHECK(other.source.where == site.path(".aws/config") + ":5");
}

TEST_CASE("keys that could not be sent are refused without being shown", "[aws]") {
  AwsSite site;
  site.credentials("[default]\naws_access_key_id = A\naws_secret_access_key = top secret\n");
  const std::string error = site.failure();
  CHECK_THAT(error, Catch::Contains("a key or token has blanks") && !Catch::Contains("top secret"));
}

TEST_CASE("where nothing is found, all places and a command are named", "[aws]") {
  AwsSite site;
  CHECK_THAT(site.failure(), Catch::Contains("no AWS credentials are found") &&
                                 Catch::Contains("AWS_ACCESS_KEY_ID") &&
                                 Catch::Contains(site.path(".aws/config")) && Catch::Contains("container") &&
                                 Catch::Contains("`aws login`"));
  site.config("[profile work]\nregion = x\n");
  CHECK_THAT(site.failure("work"), Catch::Contains("`aws login --profile work`"));
}

TEST_CASE("a command line is split as a shell splits it", "[aws]") {
  using Words = std::vector<std::string>;
  CHECK(split_command("a  b\tc") == Words{"a", "b", "c"});
  CHECK(split_command("a 'b c' \"d \\\"e\\\" $x\" f\\ g") == Words{"a", "b c", "d \"e\" $x", "f g"});
  CHECK(split_command("a'b'\"c\"d ''") == Words{"abcd", ""});
  CHECK(split_command("").empty());
  CHECK_THROWS_WITH(split_command("a 'b"), "an open quote");
  CHECK_THROWS_WITH(split_command("a \\"), "a backslash at its end");
}

TEST_CASE("a program's credentials are taken, and no shell is between", "[aws]") {
  AwsSite site;
  site.environment.variables["ID"] = "wrong";
  site.config(process_profile(site.path("bin/keys") + " 'AKID' $ID"));
  site.file("bin/keys",
            "#!/bin/sh\n[ \"$2\" = '$ID' ] || exit 9\nprintf "
            "'{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",' \"$1\"\n"
            "printf '\"SessionToken\":\"t\",\"Expiration\":\"2026-08-01T18:00:00Z\"}'\n",
            0700);
  const Credentials found = site.load();
  CHECK(found.access_key_id == "AKID");
  CHECK(found.session_token.reveal() == "t");
  CHECK(found.expiration == noon + 6 * 3600);
  CHECK(found.source.kind == SourceKind::process);
  CHECK(found.source.where == site.path(".aws/config") + ":2");
}

TEST_CASE("a program that fails, prints something else or old keys is an error", "[aws]") {
  AwsSite site;
  site.config(process_profile("/bin/sh -c 'echo please log in >&2; echo s3cr3t; exit 1'"));
  try {
    site.load();
    FAIL("it did not fail");
  } catch (const Error& error) {
    CHECK_THAT(std::string(error.what()),
               Catch::Contains(":2: the credential_process of the profile default ended "
                               "with status 1"));
    CHECK(error.output() == "please log in");
  }
  site.config(process_profile("/bin/echo s3cr3t"));
  CHECK_THAT(site.failure(),
             Catch::Contains("printed no credentials: stdout:1:1: not JSON") && !Catch::Contains("s3cr3t"));
  site.config(process_profile("/bin/echo '{\"AccessKeyId\":\"A\"}'"));
  CHECK_THAT(site.failure(), Catch::Contains("printed no `\"Version\": 1`"));
  site.config(process_profile("/bin/echo '{\"Version\":1,\"AccessKeyId\":\"A\"}'"));
  CHECK_THAT(site.failure(), Catch::Contains("an access key or its secret is missing"));
  site.config(
      process_profile("/bin/echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s3cr3t\","
                      "\"Expiration\":\"2026-08-01T11:00:00Z\"}'"));
  CHECK_THAT(site.failure(),
             Catch::Contains("the credentials expired at 2026-08-01T11:00:00Z") && !Catch::Contains("s3cr3t"));
  site.config(process_profile("/nowhere/at/all"));
  CHECK_THAT(site.failure(), Catch::Contains("/nowhere/at/all"));
  site.config(process_profile("'open"));
  CHECK_THAT(site.failure(), Catch::Contains("credential_process has an open quote"));
}

TEST_CASE("the session of `aws login` is used until its end", "[aws]") {
  AwsSite site;
  site.config("[profile work]\nlogin_session = arn:aws:iam::1:user/ada\n");
  CHECK_THAT(site.failure("work"),
             Catch::Contains("does not exist") && Catch::Contains("run `aws login --profile work`"));
  const std::string name = ".aws/login/cache/" + sha256_hex("arn:aws:iam::1:user/ada") + ".json";
  site.file(name, R"({"accessToken":{"accessKeyId":"ASIAL","secretAccessKey":"s","sessionToken":"t",
    "accountId":"1","expiresAt":"2026-08-01T12:05:00Z"},"refreshToken":"r"})");
  const Credentials found = site.load("work");
  CHECK(found.access_key_id == "ASIAL");
  CHECK(found.source.kind == SourceKind::login);
  site.now = noon + 301;
  CHECK_THAT(site.failure("work"), Catch::Contains("the login session expired at 2026-08-01T12:05:00Z"));
  site.now = noon;
  ::chmod(site.path(name).c_str(), 0622);
  CHECK_THAT(site.failure("work"), Catch::Contains("is not used: ") && Catch::Contains("writable by"));
}

TEST_CASE("a container's role is asked for with its token, on the addresses that may be", "[aws]") {
  AwsSite site;
  const HttpServer server([](const HttpRequestSeen& seen) {
    return seen.header("authorization") == "Bearer x" ? http_answer("200 OK", instance_keys)
                                                      : http_answer("403 Forbidden", "");
  });
  site.environment.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url("/creds");
  CHECK_THAT(site.failure(),
             Catch::Contains("the container's credentials (AWS_CONTAINER_CREDENTIALS_FULL_URI) cannot "
                             "be read: 403 Forbidden"));
  site.file("token", "Bearer x\n");
  site.environment.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = site.path("token");
  const Credentials found = site.load();
  CHECK(found.access_key_id == "ASIAI");
  CHECK(found.source.kind == SourceKind::container);
  CHECK(found.expiration == noon + 6 * 3600);
  for (const char* url : {"http://evil.example/x", "http://127.0.0.1@evil.example/",
                          "http://127.0.0.1.evil.example/", "ftp://127.0.0.1/", "http://169.254.169.254/"}) {
    INFO(url);
    site.environment.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    CHECK_THAT(site.failure(), Catch::Contains("credentials are not taken from"));
  }
}

TEST_CASE("an instance's role is asked for by version 2 of its metadata service", "[aws]") {
  AwsSite site;
  const HttpServer server(metadata);
  set_metadata(site, server);
  site.environment.variables["http_proxy"] = "http://127.0.0.1:1";
  const Credentials found = site.load();
  CHECK(found.access_key_id == "ASIAI");
  CHECK(found.source.kind == SourceKind::instance);
  InstanceMetadata instance(site.http, site.environment);
  CHECK(instance.region() == "eu-north-1");
  CHECK_FALSE(instance.get("/latest/meta-data/spot/instance-action"));
}

TEST_CASE("an instance without a role, without version 2 or none at all has no credentials", "[aws]") {
  AwsSite site;
  const HttpServer no_role([](const HttpRequestSeen& seen) {
    return seen.method == "PUT" ? http_answer("200 OK", "T") : http_answer("404 Not Found", "");
  });
  set_metadata(site, no_role);
  CHECK_THAT(site.failure(), Catch::Contains("no AWS credentials are found"));
  const HttpServer off([](const HttpRequestSeen&) { return http_answer("403 Forbidden", "no"); });
  set_metadata(site, off);
  CHECK_THAT(site.failure(), Catch::Contains("no AWS credentials are found"));
  CHECK(off.seen().size() == 1);
  site.environment.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1";
  CHECK_THAT(site.failure(), Catch::Contains("no AWS credentials are found"));
}

TEST_CASE("credentials are loaded again ten minutes before their end, and when they were refused", "[aws]") {
  AwsSite site;
  const HttpServer server(metadata);
  set_metadata(site, server);
  auto chain = site.chain();
  const auto requests = [&] { return server.seen().size(); };
  chain.get();
  const std::size_t once = requests();
  site.now = noon + 6 * 3600 - 601;
  chain.get();
  CHECK(requests() == once);
  site.now = noon + 6 * 3600 - 600;
  chain.get();
  CHECK(requests() == 2 * once);
  chain.get();  // the new ones end as soon: not asked for again at once
  CHECK(requests() == 2 * once);
  chain.forget();
  chain.get();
  CHECK(requests() == 3 * once);
}
