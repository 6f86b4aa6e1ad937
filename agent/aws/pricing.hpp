// What things cost, by the Price List of AWS, in US dollars. Absent if these credentials may not ask
// (pricing:GetProducts) or nothing is listed: nothing is invented.
#pragma once

#include <optional>
#include <string>

#include "aws/client.hpp"

namespace mlops::aws {

// Of one hour of an on-demand instance with Linux.
std::optional<double> hourly_price(Client& client, const std::string& instance_type, const std::string& region);
// Of one GB of disk for a month: "gp3".
std::optional<double> monthly_price_of_gigabyte(Client& client, const std::string& volume_type,
                                                const std::string& region);
// Of one hour of a public IPv4 address in use.
std::optional<double> hourly_price_of_address(Client& client, const std::string& region);

}  // namespace mlops::aws
