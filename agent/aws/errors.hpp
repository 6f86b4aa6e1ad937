// What AWS answers in place of a result, what it means for the next step, and what a person can do about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.hpp"
#include "base/error.hpp"

namespace mlops::aws {

enum class ErrorClass {
  retry,                 // throttled, or the service is in trouble: the same again after a while
  not_yet,               // not visible yet or not yet in that state; NotFound: only for what this run made
  another_zone_or_type,  // no capacity there
  person,                // see advice()
  already_so,            // nothing was left to do: continue
  unknown,
};
// By the code; by the HTTP status if there is no known code. `InvalidSubnetID.NotFound` is not_yet, with advice
// for a subnet that somebody else made.
ErrorClass classify(std::string_view code, long status = 0);

// How far a request came that has no answer.
enum class Sent {
  no,       // it was not sent: nothing has happened
  unknown,  // it was sent, and the answer was lost: it may have been done
  yes,      // it was answered
};

struct AwsFailure {
  std::string call;        // "ec2 RunInstances"
  std::string code;        // "InsufficientInstanceCapacity"; "" if what answered was no AWS service, or nothing
  std::string message;     // as the service wrote it
  long status = 0;         // of HTTP; 0: no answer
  std::string request_id;  // for AWS's support; may be ""
  Sent sent = Sent::yes;
  bool is_final = false;    // without an answer: a certificate or the protocol; again it would end the same
  Seconds clock_ahead = 0;  // this machine's clock beside the service's, when it answered
};

// what(): "ec2 RunInstances: InsufficientInstanceCapacity: We currently …", safe for a terminal, without an
// encoded authorization message.
class AwsError : public Error {
 public:
  explicit AwsError(AwsFailure failure);
  const AwsFailure& failure() const { return failure_; }
  const std::string& code() const { return failure_.code; }
  ErrorClass error_class() const;

 private:
  AwsFailure failure_;
};

// The text of "… Encoded authorization failure message: TEXT", for STS DecodeAuthorizationMessage; "" for none.
std::string encoded_authorization_message(std::string_view message);
// "ec2:RunInstances" of "… is not authorized to perform: ec2:RunInstances on resource …"; "" if it is not said.
std::string denied_action(std::string_view message);

struct AdviceContext {
  std::string region, action;           // "eu-central-1"; "RunInstances"
  std::string profile;                  // "" for none
  std::optional<Credentials> used;      // whose source and key are named
  Seconds clock_ahead = 0;              // of AwsFailure
  std::vector<std::string> free_types;  // of this account; empty: those known when this was written
};
// What a person should do, in a sentence or two without a full stop at the end; "" if there is nothing to say
// beside the message.
std::string advice(std::string_view code, std::string_view message, const AdviceContext& context);

}  // namespace mlops::aws
