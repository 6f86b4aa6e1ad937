// What people are told about an instance, and what they may write for one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domains/cloud/reader.hpp"

namespace mlops {

// "running", "shutting down", …
const char* to_text(CloudPower power);
// "i-0abc, gone since 2026-08-01 12:00:00 GMT"; without the time if EC2 does not tell it.
std::string describe_gone(const CloudInstances& instances);
// "$0.0416 per hour running, $2.40 per month stopped"; what is not known is left out, "" if nothing is.
std::string describe_price(const CloudOffer& offer);

// "ubuntu-24.04", "debian-12", or an id: "ami-0a1b2c3d".
bool is_image(std::string_view image);
inline bool is_image_id(std::string_view image) { return image.starts_with("ami-"); }
// "t3.small", "u-6tb1.metal"
bool is_instance_type(std::string_view type);

}  // namespace mlops
