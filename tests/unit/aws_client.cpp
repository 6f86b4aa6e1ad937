// Calls of AWS: what is sent, and what is made of each answer.
#include "aws/client.hpp"

#include <atomic>

#include "aws/ec2.hpp"
#include "aws/ssm.hpp"
#include "aws/sts.hpp"
#include "support/aws_site.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;
using mlops::test::AwsService;
using mlops::test::ec2_answer;
using mlops::test::ec2_error;
using mlops::test::http_answer;
using mlops::test::http_cut;
using mlops::test::HttpBytes;
using mlops::test::HttpRequestSeen;
using mlops::test::noon;

namespace {

using Answers = std::vector<HttpBytes>;

// Answers one request after the other; the last again and again.
mlops::test::HttpServer::Handler in_turn(Answers answers) {
  return [answers = std::move(answers), n = std::size_t{0}](const HttpRequestSeen&) mutable {
    return answers[std::min(n++, answers.size() - 1)];
  };
}

AwsFailure failure_of_call(AwsService& aws, Repeat repeat = Repeat::allowed) {
  try {
    aws.client.query(Service::ec2, "Go", {}, repeat);
  } catch (const AwsError& error) {
    return error.failure();
  }
  FAIL("the call did not fail");
  return {};
}

const HttpBytes good = ec2_answer("Go", "<return>true</return>");
const HttpBytes lost{"", false};
const std::string skewed = "Date: Sat, 01 Aug 2026 13:00:00 GMT\r\n";

}  // namespace

TEST_CASE("a call is a signed form without Expect and with an id of the answer", "[aws]") {
  AwsService aws(in_turn({good}));
  const XmlNode root = aws.client.query(Service::ec2, "Go", Params().add("Name", "a b/ü").add("Empty", ""));
  CHECK(root.flag_at("return"));
  REQUIRE(aws.server.seen().size() == 1);
  const HttpRequestSeen seen = aws.server.seen()[0];
  CHECK(seen.method == "POST");
  CHECK(seen.path == "/");
  CHECK(seen.body == "Action=Go&Version=2016-11-15&Name=a%20b%2F%C3%BC");
  CHECK(seen.header("host") == aws.server.host());
  CHECK(seen.header("content-type") == "application/x-www-form-urlencoded; charset=utf-8");
  CHECK(seen.header("x-amz-date") == "20260801T120000Z");
  CHECK(seen.header("expect").empty());
  CHECK_THAT(seen.header("authorization"),
             Catch::Contains("Credential=AKIDEXAMPLE/20260801/eu-central-1/ec2/aws4_request"));
  CHECK(aws.client.traffic().calls == 1);
  CHECK(aws.client.traffic().bytes_sent == seen.body.size());
  CHECK(aws.client.traffic().bytes_received > 0);
}

TEST_CASE("throttled calls are repeated with growing delays, up to the number of attempts", "[aws]") {
  AwsService aws(in_turn({ec2_error("503 Service Unavailable", "RequestLimitExceeded"),
                          ec2_error("400 Bad Request", "Throttling"), good}));
  CHECK(aws.client.query(Service::ec2, "Go", {}).flag_at("return"));
  using ms = std::chrono::milliseconds;
  CHECK(aws.site.waits == std::vector<ms>{ms(1000), ms(2000)});
  AwsService never(in_turn({ec2_error("503 Service Unavailable", "RequestLimitExceeded", "too many")}));
  const AwsFailure failure = failure_of_call(never);
  CHECK(failure.code == "RequestLimitExceeded");
  CHECK(failure.message == "too many");
  CHECK(failure.request_id == "r-2");
  CHECK(failure.status == 503);
  CHECK(never.server.seen().size() == 3);
}

TEST_CASE("the service may say how long to wait", "[aws]") {
  AwsService aws(
      in_turn({ec2_error("503 Busy", "Unavailable", "x", "x-amz-retry-after: 1500\r\n"),
               ec2_error("503 Busy", "Unavailable", "x", "x-amz-retry-after: 999999999\r\n"), good}));
  aws.client.query(Service::ec2, "Go", {});
  using ms = std::chrono::milliseconds;
  CHECK(aws.site.waits == std::vector<ms>{ms(1500), ms(60000)});
}

TEST_CASE("an error that a repetition cannot mend comes at once", "[aws]") {
  AwsService aws(
      in_turn({ec2_error("500 Internal Server Error", "InsufficientInstanceCapacity", "none of t3.small")}));
  const AwsFailure failure = failure_of_call(aws);
  CHECK(AwsError(failure).error_class() == ErrorClass::another_zone_or_type);
  CHECK(failure.sent == Sent::yes);
  CHECK(std::string(AwsError(failure).what()) == "ec2 Go: InsufficientInstanceCapacity: none of t3.small");
  CHECK(aws.server.seen().size() == 1);
}

TEST_CASE("a reply that was lost is no failure to send", "[aws]") {
  AwsService aws(in_turn({lost}));
  const AwsFailure failure = failure_of_call(aws);
  CHECK(failure.sent == Sent::unknown);
  CHECK(failure.status == 0);
  CHECK(AwsError(failure).error_class() == ErrorClass::retry);
  CHECK(aws.server.seen().size() == 3);
  AwsService cut(in_turn({http_cut("200 OK", "<GoResponse/>", 3), good}));
  CHECK(cut.client.query(Service::ec2, "Go", {}).flag_at("return"));
}

TEST_CASE("nobody who listens means that nothing was sent", "[aws]") {
  AwsService aws(in_turn({good}));
  const std::string gone = mlops::test::HttpServer(in_turn({good})).url("");
  aws.site.environment.variables["AWS_ENDPOINT_URL"] = gone;
  Client client(&aws.credentials, {"eu-central-1", "test"}, Endpoints(aws.site.environment, {}, "default"),
                aws.site.http, {.attempts = 2});
  try {
    client.query(Service::ec2, "Go", {}, Repeat::never);
    FAIL("the call did not fail");
  } catch (const AwsError& error) {
    CHECK(error.failure().sent == Sent::no);
    CHECK(client.traffic().calls == 2);
  }
}

TEST_CASE("a call that may not be repeated is sent once when it may have been done", "[aws]") {
  AwsService after_loss(in_turn({lost, good}));
  CHECK(failure_of_call(after_loss, Repeat::never).sent == Sent::unknown);
  CHECK(after_loss.server.seen().size() == 1);
  AwsService in_trouble(in_turn({ec2_error("500 Internal Server Error", "InternalError"), good}));
  CHECK(failure_of_call(in_trouble, Repeat::never).sent == Sent::unknown);
  CHECK(in_trouble.server.seen().size() == 1);
  AwsService throttled(in_turn({ec2_error("503 Busy", "RequestLimitExceeded"), good}));
  CHECK(throttled.client.query(Service::ec2, "Go", {}, Repeat::never).flag_at("return"));
}

TEST_CASE("a wrong clock is corrected by the service's, once", "[aws]") {
  AwsService aws(in_turn({ec2_error("400 Bad Request", "RequestExpired", "too old", skewed), good}));
  CHECK(aws.client.query(Service::ec2, "Go", {}).flag_at("return"));
  REQUIRE(aws.server.seen().size() == 2);
  CHECK(aws.server.seen()[1].header("x-amz-date") == "20260801T130000Z");
  CHECK(aws.client.now() == noon + 3600);
  AwsService always(in_turn({ec2_error("400 Bad Request", "RequestExpired", "too old", skewed)}));
  CHECK(failure_of_call(always).clock_ahead == -3600);
  CHECK(always.server.seen().size() == 2);
}

TEST_CASE("credentials that just expired are renewed, once", "[aws]") {
  struct Renewed final : CredentialProvider {
    const Credentials& get() override { return keys; }
    void forget() override { keys.access_key_id = "AKIDNEXT"; }
    Credentials keys{"AKIDFIRST", Secret("s"), {}, {}, {}};
  } credentials;
  AwsService aws(in_turn({ec2_error("400 Bad Request", "ExpiredToken"), good}));
  Client client(&credentials, {"eu-central-1", "test"}, Endpoints(aws.site.environment, {}, "default"),
                aws.site.http, {});
  client.query(Service::ec2, "Go", {});
  CHECK_THAT(aws.server.seen()[1].header("authorization"), Catch::Contains("AKIDNEXT"));
}

TEST_CASE("HTML and empty answers are not taken for AWS's", "[aws]") {
  AwsService proxy(in_turn({http_answer("403 Forbidden", "<html><body>Blocked</body></html>")}));
  const AwsFailure refused = failure_of_call(proxy);
  CHECK(refused.code.empty());
  CHECK(refused.status == 403);
  CHECK_THAT(refused.message, Catch::Contains("403 Forbidden, not in the form of AWS"));
  AwsService gateway(in_turn({http_answer("502 Bad Gateway", ""), good}));
  CHECK(gateway.client.query(Service::ec2, "Go", {}).flag_at("return"));
  for (const char* page : {"<html><p>Welcome<br></html>", "", "<OtherResponse/>"}) {
    INFO(page);
    AwsService portal(in_turn({http_answer("200 OK", page)}));
    const AwsFailure failure = failure_of_call(portal);
    CHECK_THAT(failure.message, Catch::Contains("a proxy or another server seems to answer"));
    CHECK(AwsError(failure).error_class() == ErrorClass::unknown);
    CHECK(failure.sent == Sent::unknown);
    CHECK(portal.server.seen().size() == 1);
  }
}

TEST_CASE("a signed request follows no redirect", "[aws]") {
  AwsService aws(
      in_turn({http_answer("307 Temporary Redirect", "", "Location: http://127.0.0.1:1/\r\n"), good}));
  const AwsFailure failure = failure_of_call(aws);
  CHECK(failure.status == 307);
  CHECK_THAT(failure.message, Catch::Contains("it redirects to http://127.0.0.1:1/, which is not followed"));
  CHECK(aws.server.seen().size() == 1);
}

TEST_CASE("an answer has a largest size", "[aws]") {
  AwsService aws(in_turn({http_answer("200 OK", std::string((16u << 20) + 1, ' '))}));
  const AwsFailure failure = failure_of_call(aws);
  CHECK_THAT(failure.message, Catch::Contains("it answered more than 16777216 bytes"));
  CHECK(failure.sent == Sent::unknown);
}

TEST_CASE("services with JSON have their own headers and errors", "[aws]") {
  AwsService aws([](const HttpRequestSeen& seen) {
    if (seen.body == R"({"Name":"/aws/service/none"})")
      return http_answer("400 Bad Request", R"({"__type":"com.amazon#ParameterNotFound","message":"no"})");
    return http_answer("200 OK", R"({"Parameter":{"Value":"ami-0abc","Version":7}})");
  });
  CHECK(public_parameter(aws.client, "/aws/service/x") == "ami-0abc");
  CHECK_FALSE(public_parameter(aws.client, "/aws/service/none"));
  const HttpRequestSeen seen = aws.server.seen()[0];
  CHECK(seen.header("x-amz-target") == "AmazonSSM.GetParameter");
  CHECK(seen.header("content-type") == "application/x-amz-json-1.1");
  CHECK_THAT(seen.header("authorization"), Catch::Contains("/eu-central-1/ssm/aws4_request") &&
                                               Catch::Contains("content-type;host;x-amz-date;x-amz-target"));
}

TEST_CASE("STS has errors of another shape", "[aws]") {
  AwsService aws(
      in_turn({http_answer("403 Forbidden",
                           "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
                           "<Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>invalid</Message>"
                           "</Error><RequestId>r-9</RequestId></ErrorResponse>")}));
  try {
    caller_identity(aws.client);
    FAIL("the call did not fail");
  } catch (const AwsError& error) {
    CHECK(error.code() == "InvalidClientTokenId");
    CHECK(error.failure().request_id == "r-9");
  }
  CHECK_FALSE(decode_authorization_message(aws.client, "abc"));
}

TEST_CASE("the number of attempts is configured", "[aws]") {
  mlops::test::AwsSite site;
  const auto attempts = [&] {
    return attempts_of(site.environment, read_config_files(site.environment), "default");
  };
  CHECK(attempts() == 3);
  site.config("[default]\nmax_attempts = 5\n");
  CHECK(attempts() == 5);
  site.environment.variables["AWS_MAX_ATTEMPTS"] = "7";
  CHECK(attempts() == 7);
  site.environment.variables["AWS_MAX_ATTEMPTS"] = "many";
  CHECK_THROWS_WITH(attempts(), "AWS_MAX_ATTEMPTS: the number of attempts must be from 1 to 20");
}

TEST_CASE("the person's interruption ends a wait", "[aws]") {
  AwsService aws(in_turn({ec2_error("503 Busy", "Unavailable")}));
  aws.site.cancellation.cancel();
  CHECK_THROWS_WITH(aws.client.query(Service::ec2, "Go", {}), Catch::Contains("interrupted"));
}
