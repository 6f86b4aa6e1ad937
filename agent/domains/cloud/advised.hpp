// Calls of an account whose errors say what a person can do.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "aws/account.hpp"
#include "aws/ec2/instances.hpp"
#include "aws/ec2/network.hpp"
#include "aws/errors.hpp"

namespace mlops {

inline ErrorKind kind_of(const aws::AwsError& error) {
  if (error.failure().status == 0) return ErrorKind::unavailable;
  return error.kind();
}

// Does the work with the account; an AwsError becomes an Error with advice.
template <class Work>
auto advised(aws::Account& account, const Work& work) {
  try {
    return work(account);
  } catch (const aws::AwsError& error) {
    const std::string advice = account.advice_on(error);
    throw Error(advice.empty() ? error.what() : fmt::format("{}; {}", error.what(), advice), kind_of(error));
  }
}

// Error that says how to get one if the region has none.
inline std::string default_vpc_id(aws::Client& client) {
  if (const auto found = aws::default_vpc(client)) return found->id;
  throw Error(
      fmt::format("the region {} has no default VPC: `aws ec2 create-default-vpc` makes one, or name a subnet",
                  client.region().name));
}

// The instance; none if EC2 does not know the id, or not yet.
inline std::vector<aws::Instance> by_id_if_known(aws::Client& client, const std::string& id) {
  try {
    return aws::describe_instances(client, {{id}, {}});
  } catch (const aws::AwsError& error) {
    if (error.code() != "InvalidInstanceID.NotFound") throw;
    return {};
  }
}

}  // namespace mlops
