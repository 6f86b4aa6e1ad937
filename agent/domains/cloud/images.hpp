// Machine images by the names that playbooks use.
#pragma once

#include <string>
#include <string_view>

#include "aws/client.hpp"
#include "aws/ec2/images.hpp"

namespace mlops {

// "ubuntu-24.04", "debian-12", followed by "-arm64" for that architecture: the newest one of their makers, by
// the public parameter that they keep, else by owner and name, never by a name alone. Or an id. Error for any
// other name, with those that are known.
aws::Image find_image(aws::Client& client, const std::string& name);

// The names, but for the ending: "ubuntu-24.04, debian-12".
std::string image_names();
bool is_named_image(std::string_view name);
// The user that an image of the name lets in: "ubuntu", "admin"; "" for an id.
std::string login_user(std::string_view name);

}  // namespace mlops
