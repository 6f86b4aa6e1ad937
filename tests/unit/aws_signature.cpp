// Signatures of AWS against known ones.
#include "aws/signature.hpp"

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;

namespace {

const Seconds noon = 1785585600, suite_time = 1440938160;  // 2026-08-01T12:00:00Z, 2015-08-30T12:36:00Z
const char* const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

Credentials keys(const std::string& token = "") {
  return {"AKIDEXAMPLE", Secret(secret), Secret(token), {}, {}};
}

std::string signature_of(const SignedRequest& request) {
  const std::string& header = request.headers.at("authorization");
  return header.substr(header.find("Signature=") + 10);
}

SignedRequest describe() {
  return {"POST",
          "/",
          "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=client-token&Filter.1.Value.1=mla-"
          "0123456789abcdef",
          {{"host", "ec2.eu-central-1.amazonaws.com"},
           {"content-type", "application/x-www-form-urlencoded; charset=utf-8"}}};
}

const SigningScope ec2{"eu-central-1", "ec2", noon};

// Of the request without its own header.
std::string canonical_hash(SignedRequest request) {
  request.headers.erase("authorization");
  return sha256_hex(canonical_request(request));
}

}  // namespace

TEST_CASE("a request of AWS's own test suite is signed as it says", "[aws]") {
  SignedRequest request{
      "POST",
      "/",
      "Param1=value1",
      {{"host", "example.amazonaws.com"}, {"content-type", "application/x-www-form-urlencoded"}}};
  sign(request, {"us-east-1", "service", suite_time}, keys());
  CHECK(canonical_hash(request).starts_with("42a5e5bb"));
  CHECK(request.headers.at("authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

TEST_CASE("a call of EC2 is signed, step by step", "[aws]") {
  SignedRequest request = describe();
  sign(request, ec2, keys());
  CHECK(sha256_hex(request.body) == "163b5a7b5eeae1a40a665349ca3bc0c5848fa10eb2bcabaa8a5b71b972d8f7b2");
  CHECK(canonical_hash(request) == "b4c4843206b850b6d869c84f127d9cc21c2317cc580661349a64f469fa0682cf");
  CHECK(signing_key_hex(ec2, Secret(secret)) ==
        "7420eb47ce5e82f2c49a7bee9c2d85feb91eeb6e6922d93f8ceefdccb7d6e3c8");
  CHECK(signature_of(request) == "481247e07cc6e204f823abb855253e867d3227927820d05b4505a2c2948cb265");
}

TEST_CASE("a session token is signed too", "[aws]") {
  SignedRequest request = describe();
  sign(request, ec2, keys("TOKEN/EXAMPLE+=="));
  CHECK(canonical_hash(request).starts_with("b3e0c91c"));
  CHECK(request.headers.at("x-amz-security-token") == "TOKEN/EXAMPLE+==");
  CHECK(signature_of(request) == "4329e3925cb35363f8a1da231c2ee0ee06c0e7ffbeffdf6d7cd58fae908c53de");
}

TEST_CASE("runs of blanks in a header count as one", "[aws]") {
  SignedRequest one = describe(), other = describe();
  one.headers["x-note"] = "  a  \t b ";
  other.headers["x-note"] = "a b";
  CHECK(canonical_request(one) == canonical_request(other));
}

TEST_CASE("digests beside SHA-256 in hex", "[aws]") {
  CHECK(sha1_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  // RFC 4231, test case 2.
  CHECK(hmac_sha256_hex("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::string bytes = hmac_sha256("Jefe", "what do ya want for nothing?");
  CHECK(bytes.size() == 32);
  CHECK(bytes.substr(0, 2) == "\x5b\xdc");
  CHECK(to_base64("any carnal pleas") == "YW55IGNhcm5hbCBwbGVhcw==");
  CHECK(from_base64("YW55IGNhcm5hbCBwbGVhcw==") == "any carnal pleas");
  CHECK_FALSE(from_base64("not base64!"));
}

TEST_CASE("the moments of AWS", "[aws]") {
  CHECK(basic_time(noon) == "20260801T120000Z");
  CHECK(iso_time(noon) == "2026-08-01T12:00:00Z");
  for (const char* text : {"2026-08-01T12:00:00Z", "2026-08-01T12:00:00.123Z", "2026-08-01T14:00:00+02:00",
                           "2026-08-01T06:30:00-0530", "2026-08-01T12:00:00UTC", "2026-08-01T12:00:00"}) {
    INFO(text);
    CHECK(parse_iso_time(text) == noon);
  }
  for (const char* text :
       {"", "2026-08-01", "2026-13-01T12:00:00Z", "2026-02-30T12:00:00Z", "2026-08-01T25:00:00Z",
        "2026-08-01T12:00:00Zjunk", "-026-08-01T12:00:00Z", "1785585600"}) {
    INFO(text);
    CHECK_FALSE(parse_iso_time(text));
  }
  CHECK(parse_http_date("Sat, 01 Aug 2026 12:00:00 GMT") == noon);
  CHECK_FALSE(parse_http_date("Saturday, 01-Aug-26 12:00:00 GMT"));
  CHECK_FALSE(parse_http_date("Sat, 01 Aug 2026 12:00:00 CET"));
}
