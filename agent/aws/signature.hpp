// Signature Version 4 in the Authorization header.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
#pragma once

#include <map>
#include <string>

#include "aws/credentials.hpp"
#include "aws/time.hpp"

namespace mlops::aws {

// What is signed. The path is "/" or already encoded; there is no query.
struct SignedRequest {
  std::string method = "POST", path = "/", body;
  std::map<std::string, std::string> headers;  // names in lower case; must hold host
};

// For which service and region, and when.
struct SigningScope {
  std::string region, service;
  Seconds moment = 0;
};

// Adds x-amz-date, x-amz-security-token if the credentials have a session token, and authorization. All headers
// given are signed.
void sign(SignedRequest& request, const SigningScope& scope, const Credentials& credentials);

// The steps on the way, for tests: the request in canonical form, and the key of a date and scope in hex.
std::string canonical_request(const SignedRequest& request);
std::string signing_key_hex(const SigningScope& scope, const Secret& secret);

}  // namespace mlops::aws
