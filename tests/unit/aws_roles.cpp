// Credentials by somebody else's word: roles, web identities and SSO.
#include <sys/stat.h>

#include "aws/credential_chain.hpp"
#include "aws/json.hpp"
#include "base/digest.hpp"
#include "support/aws_site.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;
using mlops::test::AwsSite;
using mlops::test::content_of;
using mlops::test::http_answer;
using mlops::test::HttpBytes;
using mlops::test::HttpRequestSeen;
using mlops::test::HttpServer;
using mlops::test::mode_of;
using mlops::test::noon;

namespace {

std::string role_keys(const std::string& action, const std::string& id) {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
         "Result><Credentials><AccessKeyId>" + id +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
         "<Expiration>2026-08-01T13:00:00Z</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

// STS: each role's key is named by the last letter of its name.
HttpBytes sts(const HttpRequestSeen& seen) {
  const std::size_t arn = seen.body.find("role%2F");
  const std::string id = std::string("ASIAROLE") + (arn == seen.body.npos ? '?' : seen.body[arn + 7]);
  const bool by_web = seen.body.find("Action=AssumeRoleWithWebIdentity&") == 0;
  return http_answer("200 OK", role_keys(by_web ? "AssumeRoleWithWebIdentity" : "AssumeRole", id));
}

void set_service(AwsSite& site, const HttpServer& server) {
  site.environment.variables["AWS_ENDPOINT_URL"] = server.url("");
  site.environment.variables["AWS_REGION"] = "eu-central-1";
}

const std::string base_keys = "aws_access_key_id = AKIDBASE\naws_secret_access_key = s\n";
const std::string role_a = "role_arn = arn:aws:iam::1:role/a\n", role_b = "role_arn = arn:aws:iam::1:role/b\n";

const std::string sso_config =
    "[profile work]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n"
    "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n";
const std::string sso_cache = ".aws/sso/cache/" + sha1_hex("corp") + ".json";

std::string sso_token(const std::string& expires, const std::string& more = "") {
  return R"({"startUrl":"https://corp.awsapps.com/start","region":"eu-west-1","accessToken":"old-token","expiresAt":")" +
         expires + "\"" + more + "}";
}
const std::string renewable =
    R"(,"clientId":"id","clientSecret":"cs3cret","registrationExpiresAt":"2026-10-01T00:00:00Z","refreshToken":"r1","other":1)";

// The portal, and the issuer of tokens.
HttpBytes sso(const HttpRequestSeen& seen) {
  if (seen.path == "/token")
    return seen.body.find("\"refreshToken\":\"r1\"") != seen.body.npos
               ? http_answer("200 OK", R"({"accessToken":"new-token","expiresIn":3600,"refreshToken":"r2"})")
               : http_answer("400 Bad Request", R"({"error":"invalid_grant","error_description":"no"})");
  if (seen.header("x-amz-sso_bearer_token").empty()) return http_answer("401 Unauthorized", "{}");
  return http_answer("200 OK", R"({"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"s",
    "sessionToken":"t","expiration":1785607200000}})");
}

}  // namespace

TEST_CASE("a role is taken with the keys of another profile", "[aws]") {
  AwsSite site;
  const HttpServer server(sts);
  set_service(site, server);
  site.config("[profile work]\n" + role_a +
              "source_profile = base\nexternal_id = e-1\nduration_seconds = 1800\n" +
              "role_session_name = ada\n[profile base]\n" + base_keys);
  const Credentials found = site.load("work");
  CHECK(found.access_key_id == "ASIAROLEa");
  CHECK(found.session_token.reveal() == "t");
  CHECK(found.expiration == noon + 3600);
  CHECK(found.source.kind == SourceKind::assumed_role);
  CHECK(found.source.where == site.path(".aws/config") + ":2");
  const HttpRequestSeen seen = server.seen().at(0);
  CHECK_THAT(seen.body, Catch::Contains("Action=AssumeRole&Version=2011-06-15") &&
                            Catch::Contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa") &&
                            Catch::Contains("RoleSessionName=ada") && Catch::Contains("ExternalId=e-1") &&
                            Catch::Contains("DurationSeconds=1800"));
  CHECK_THAT(seen.header("authorization"), Catch::Contains("Credential=AKIDBASE/20260801/eu-central-1/sts/"));
}

TEST_CASE("roles can be taken through roles", "[aws]") {
  AwsSite site;
  const HttpServer server(sts);
  set_service(site, server);
  site.config("[profile a]\n" + role_a + "source_profile = b\n[profile b]\n" + role_b +
              "source_profile = base\n[profile base]\n" + base_keys);
  CHECK(site.load("a").access_key_id == "ASIAROLEa");
  REQUIRE(server.seen().size() == 2);
  CHECK_THAT(server.seen()[0].header("authorization"), Catch::Contains("AKIDBASE"));
  CHECK_THAT(server.seen()[1].header("authorization"), Catch::Contains("ASIAROLEb"));
  CHECK(server.seen()[1].header("x-amz-security-token") == "t");
}

TEST_CASE("a circle of roles is an error, a profile with keys may name itself", "[aws]") {
  AwsSite site;
  const HttpServer server(sts);
  set_service(site, server);
  site.config("[profile a]\n" + role_a + "source_profile = b\n[profile b]\n" + role_b + "source_profile = a\n");
  CHECK(site.failure("a") ==
        site.path(".aws/config") + ":6: source_profile goes round in a circle: a -> b -> a");
  site.config("[profile a]\n" + role_a + "source_profile = a\n");
  CHECK_THAT(site.failure("a"), Catch::Contains("goes round in a circle: a -> a"));
  site.config("[profile a]\n" + role_a + "source_profile = a\n" + base_keys);
  CHECK(site.load("a").access_key_id == "ASIAROLEa");
}

TEST_CASE("mistakes in a role's profile are named with their lines", "[aws]") {
  AwsSite site;
  const std::string config = site.path(".aws/config");
  const auto failure = [&](const std::string& lines) {
    site.config("[profile a]\n" + role_a + lines);
    return site.failure("a");
  };
  CHECK(failure("") ==
        config + ":2: the profile a has a role_arn, but neither source_profile nor credential_source");
  CHECK_THAT(failure("source_profile = x\n"), Catch::Contains(":3: there is no profile x"));
  CHECK_THAT(failure("source_profile = x\ncredential_source = Environment\n"), Catch::Contains("has both"));
  CHECK_THAT(failure("credential_source = Moon\n"),
             Catch::Contains(":3: credential_source must be Environment"));
  CHECK_THAT(failure("credential_source = Environment\n"), Catch::Contains("which has none"));
  CHECK_THAT(failure("source_profile = b\n[profile b]\nregion = x\n"),
             Catch::Contains("the profile b has no credentials"));
  CHECK_THAT(failure("source_profile = b\nduration_seconds = 10\n[profile b]\n" + base_keys),
             Catch::Contains(":4: duration_seconds must be from 900 to 43200"));
}

TEST_CASE("a role can be taken with the environment's keys", "[aws]") {
  AwsSite site;
  const HttpServer server(sts);
  set_service(site, server);
  site.environment.variables["AWS_ACCESS_KEY_ID"] = "AKIDENV";
  site.environment.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  site.config("[profile a]\n" + role_a + "credential_source = Environment\n");
  CHECK(site.load("a").access_key_id == "ASIAROLEa");
  CHECK_THAT(server.seen().at(0).header("authorization"), Catch::Contains("AKIDENV"));
}

TEST_CASE("the code of an MFA device is asked for, where there is somebody to ask", "[aws]") {
  AwsSite site;
  const HttpServer server(sts);
  set_service(site, server);
  site.config("[profile a]\n" + role_a +
              "source_profile = b\nmfa_serial = arn:aws:iam::1:mfa/ada\n[profile b]\n" + base_keys);
  CHECK_THAT(site.failure("a"),
             Catch::Contains(":4: the profile a needs a code of the MFA device arn:aws:iam::1:mfa/ada"));
  std::string asked;
  site.ask_mfa_code = [&](const std::string& serial, const std::string& profile) {
    asked = serial + " " + profile;
    return "123456";
  };
  CHECK(site.load("a").access_key_id == "ASIAROLEa");
  CHECK(asked == "arn:aws:iam::1:mfa/ada a");
  CHECK_THAT(server.seen().at(0).body,
             Catch::Contains("SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fada&TokenCode=123456"));
}

TEST_CASE("a role behind an MFA device is kept where the AWS CLI keeps it", "[aws]") {
  AwsSite site;
  const HttpServer server(sts);
  set_service(site, server);
  site.config("[profile a]\n" + role_a +
              "source_profile = b\nmfa_serial = m\nexternal_id = e\nduration_seconds = 3600\n[profile b]\n" +
              base_keys);
  int asked = 0;
  site.ask_mfa_code = [&](const std::string&, const std::string&) { return std::to_string(100000 + asked++); };
  CHECK(site.load("a").access_key_id == "ASIAROLEa");
  CHECK(site.load("a").session_token.reveal() == "t");
  CHECK(asked == 1);
  // botocore's name: json.dumps of the arguments, sorted.
  const std::string kept =
      ".aws/cli/cache/" +
      sha1_hex(
          R"({"DurationSeconds": 3600, "ExternalId": "e", "RoleArn": "arn:aws:iam::1:role/a", "SerialNumber": "m"})") +
      ".json";
  CHECK(mode_of(site.path(kept)) == 0600);
  CHECK(mode_of(site.path(".aws/cli")) == 0700);
  auto chain = site.chain("a");
  chain.get();
  chain.forget();  // what the service refused is not taken from there again
  chain.get();
  CHECK(asked == 2);
  site.now = noon + 3600 - 899;
  site.load("a");
  CHECK(asked == 3);
  site.file(kept, R"({"Credentials":{"AccessKeyId":"ASIACLI","SecretAccessKey":"s","SessionToken":"t",
    "Expiration":"2026-08-01T20:00:00UTC"}})");
  CHECK(site.load("a").access_key_id == "ASIACLI");
  ::chmod(site.path(kept).c_str(), 0622);
  CHECK_THAT(site.failure("a"), Catch::Contains("is not used: "));
}

TEST_CASE("a role that may not be taken is named with its place", "[aws]") {
  AwsSite site;
  const HttpServer server([](const HttpRequestSeen&) {
    return http_answer(
        "403 Forbidden",
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>");
  });
  set_service(site, server);
  site.config("[profile a]\n" + role_a + "source_profile = b\n[profile b]\n" + base_keys);
  CHECK(site.failure("a") == "assuming the role arn:aws:iam::1:role/a of the profile a (" +
                                 site.path(".aws/config") + ":2): sts AssumeRole: AccessDenied: not you");
}

TEST_CASE("a web identity takes a role by an unsigned call", "[aws]") {
  AwsSite site;
  const HttpServer server(sts);
  set_service(site, server);
  site.environment.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = site.path("jwt");
  CHECK_THAT(site.failure(), Catch::Contains("but no role: set AWS_ROLE_ARN"));
  site.environment.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/w";
  CHECK_THAT(site.failure(), Catch::Contains("there is no web identity token " + site.path("jwt")));
  site.file("jwt", "ey.J.x\n");
  const Credentials found = site.load();
  CHECK(found.access_key_id == "ASIAROLEw");
  CHECK(found.source.kind == SourceKind::web_identity);
  CHECK(server.seen().at(0).header("authorization").empty());
  CHECK_THAT(server.seen().at(0).body,
             Catch::Contains("WebIdentityToken=ey.J.x") && Catch::Contains("RoleSessionName=mlops-agent-"));
  site.config("[profile p]\nweb_identity_token_file = " + site.path("jwt") + "\n" + role_b);
  CHECK(site.load("p").access_key_id == "ASIAROLEb");
}

TEST_CASE("an SSO session that holds gives credentials", "[aws]") {
  AwsSite site;
  const HttpServer server(sso);
  set_service(site, server);
  site.config(sso_config);
  site.file(sso_cache, sso_token("2026-08-01T18:00:00Z"));
  const Credentials found = site.load("work");
  CHECK(found.access_key_id == "ASIASSO");
  CHECK(found.expiration == 1785607200);
  CHECK(found.source.kind == SourceKind::sso);
  const HttpRequestSeen seen = server.seen().at(0);
  CHECK(seen.method == "GET");
  CHECK(seen.path == "/federation/credentials?role_name=Dev&account_id=111122223333");
  CHECK(seen.header("x-amz-sso_bearer_token") == "old-token");
}

TEST_CASE("without an SSO session, or after its end, the command is named", "[aws]") {
  AwsSite site;
  const HttpServer server(sso);
  set_service(site, server);
  site.config(sso_config);
  CHECK_THAT(site.failure("work"), Catch::Contains("does not exist") &&
                                       Catch::Contains(site.path(".aws/config") + ":3") &&
                                       Catch::Contains("run `aws sso login --profile work`"));
  site.file(sso_cache, sso_token("2026-08-01T11:59:59UTC"));
  CHECK_THAT(site.failure("work"), Catch::Contains("the SSO session expired at 2026-08-01T11:59:59Z") &&
                                       Catch::Contains("run `aws sso login --profile work`"));
  site.file(sso_cache, "{\"accessToken\": \"s3cr3t");
  CHECK_THAT(site.failure("work"), Catch::Contains("not JSON") && !Catch::Contains("s3cr3t"));
  site.file(sso_cache, "{}");
  CHECK_THAT(site.failure("work"), Catch::Contains("holds no SSO token"));
  CHECK(server.seen().empty());
}

TEST_CASE("an SSO session near its end is renewed, and the cache kept for others", "[aws]") {
  AwsSite site;
  const HttpServer server(sso);
  set_service(site, server);
  site.config(sso_config);
  site.file(sso_cache, sso_token("2026-08-01T11:00:00Z", renewable), 0600);
  CHECK(site.load("work").access_key_id == "ASIASSO");
  CHECK_THAT(server.seen().at(0).body, Catch::Contains("\"grantType\":\"refresh_token\""));
  CHECK(server.seen().at(1).header("x-amz-sso_bearer_token") == "new-token");
  CHECK(mode_of(site.path(sso_cache)) == 0600);
  const Value kept = parse_json(content_of(site.path(sso_cache)), "cache");
  CHECK(text_at(kept, {"accessToken"}) == "new-token");
  CHECK(text_at(kept, {"refreshToken"}) == "r2");
  CHECK(text_at(kept, {"expiresAt"}) == "2026-08-01T13:00:00Z");
  CHECK(text_at(kept, {"clientSecret"}) == "cs3cret");
  CHECK(kept.find("other"));
}

TEST_CASE("a renewal that fails leaves a session that still holds", "[aws]") {
  AwsSite site;
  const HttpServer server(sso);
  set_service(site, server);
  site.config(sso_config);
  std::string used = renewable;
  used.replace(used.find("r1"), 2, "r0");
  site.file(sso_cache, sso_token("2026-08-01T12:10:00Z", used));
  CHECK(site.load("work").access_key_id == "ASIASSO");
  site.now = noon + 601;
  CHECK_THAT(site.failure("work"),
             Catch::Contains("could not be renewed (sso-oidc CreateToken: invalid_grant: no)") &&
                 Catch::Contains("run `aws sso login --profile work`") && !Catch::Contains("cs3cret"));
}

TEST_CASE("an SSO cache that others can write to is refused", "[aws]") {
  AwsSite site;
  const HttpServer server(sso);
  set_service(site, server);
  site.config(sso_config);
  site.file(sso_cache, sso_token("2026-08-01T18:00:00Z"), 0666);
  CHECK_THAT(site.failure("work"), Catch::Contains("is not used: ") && Catch::Contains("writable by everyone"));
  CHECK(server.seen().empty());
}

TEST_CASE("the old form of SSO names its cache by the start URL", "[aws]") {
  AwsSite site;
  const HttpServer server(sso);
  set_service(site, server);
  site.config(
      "[profile old]\nsso_start_url = https://old/start\nsso_region = eu-west-1\nsso_account_id = 1\n"
      "sso_role_name = R\n");
  site.file(".aws/sso/cache/" + sha1_hex("https://old/start") + ".json", sso_token("2026-08-01T18:00:00Z"));
  CHECK(site.load("old").access_key_id == "ASIASSO");
  site.config("[profile old]\nsso_account_id = 1\nsso_role_name = R\n");
  CHECK_THAT(site.failure("old"), Catch::Contains(":2: the profile old has no sso_start_url"));
  site.config("[profile old]\nsso_session = x\nsso_account_id = 1\nsso_role_name = R\n");
  CHECK_THAT(site.failure("old"), Catch::Contains(":2: there is no [sso-session x]"));
}

TEST_CASE("a role that the SSO session may not take is named", "[aws]") {
  AwsSite site;
  const HttpServer server([](const HttpRequestSeen&) {
    return http_answer("403 Forbidden", R"({"__type":"ForbiddenException","message":"No access"})");
  });
  set_service(site, server);
  site.config(sso_config);
  site.file(sso_cache, sso_token("2026-08-01T18:00:00Z"));
  CHECK_THAT(site.failure("work"),
             Catch::Contains("the SSO session may not take the role Dev in the account 111122223333 (sso "
                             "GetRoleCredentials: ForbiddenException: No access)"));
}
