// The name of an object in a cloud account, in claims and in the journal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domains/cloud/reader.hpp"

namespace mlops {

// As the resource type that makes it sees it.
struct CloudObject {
  std::string type;  // "ec2_instance"
  std::string name;
  CloudScope scope;
  friend bool operator==(const CloudObject&, const CloudObject&) = default;
};

// "ec2_instance box", "ec2_instance box region=eu-central-1 profile=work"; a blank in a name or a profile is
// "%20".
std::string to_string(const CloudObject& object);
std::optional<CloudObject> parse_cloud_object(std::string_view text);

}  // namespace mlops
