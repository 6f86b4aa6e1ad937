// An account as a whole, as the plan's first line tells of it.
#include "aws/account.hpp"

#include "support/aws_site.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;
using mlops::test::AwsSite;
using mlops::test::http_answer;
using mlops::test::HttpRequestSeen;
using mlops::test::HttpServer;

TEST_CASE("an account says who calls, by which credentials, where and why", "[aws]") {
  AwsSite site;
  const HttpServer server([](const HttpRequestSeen&) {
    return http_answer(
        "200 OK",
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/ada</Arn><UserId>U"
        "</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
  });
  site.environment.variables["AWS_ENDPOINT_URL"] = server.url("");
  site.config("[profile work]\nregion = eu-central-1\n");
  site.credentials("[work]\naws_access_key_id = AKIDABCDEFGH\naws_secret_access_key = s3cr3t\n");
  Account account({.environment = site.environment, .profile = "work", .profile_where = "--profile"},
                  site.cancellation);
  CHECK(server.seen().empty());
  CHECK(account.described() ==
        "as arn:aws:iam::1:user/ada (account 1), by the credentials file of the profile work (" +
            site.path(".aws/credentials") + ":2), in eu-central-1 (" + site.path(".aws/config") + ":2)");
  account.caller();
  CHECK(server.seen().size() == 1);
}

TEST_CASE("an account gives advice about its errors", "[aws]") {
  AwsSite site;
  const HttpServer server([](const HttpRequestSeen&) {
    return http_answer(
        "403 Forbidden",
        "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>");
  });
  site.environment.variables["AWS_ENDPOINT_URL"] = server.url("");
  site.credentials("[default]\naws_access_key_id = AKIDABCDEFGH\naws_secret_access_key = s3cr3t\n");
  Account account({.environment = site.environment, .region = "us-east-1", .region_where = "--region"},
                  site.cancellation);
  try {
    account.caller();
    FAIL("it did not fail");
  } catch (const AwsError& error) {
    CHECK(account.advice_on(error) ==
          "the key AKID…EFGH is from the credentials file of the profile default (" +
              site.path(".aws/credentials") + ":2): AWS does not know it, or it was deleted or made inactive");
  }
}

TEST_CASE("an account without a region is none", "[aws]") {
  AwsSite site;
  CHECK_THROWS_WITH(Account({.environment = site.environment}, site.cancellation),
                    Catch::Contains("no AWS region is given"));
}
