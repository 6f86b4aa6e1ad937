// What an HTTP answer of AWS says: its result, or its error.
#pragma once

#include <optional>

#include "aws/errors.hpp"
#include "http/client.hpp"

namespace mlops::aws {

enum class AnswerForm { xml, json };

// Absent for a success. now: to compare with the answer's Date.
std::optional<AwsFailure> failure_of(const HttpAnswer& answer, AnswerForm form, const std::string& call,
                                     Seconds now);

// Whether the service refused the call before doing anything, because there were too many.
bool is_throttled(const AwsFailure& failure);

// The headers that failure_of and the delay between attempts read.
std::vector<std::string> answer_headers();

}  // namespace mlops::aws
