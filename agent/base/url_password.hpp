// Passwords inside URLs, which are for servers and not for people.
#pragma once

#include <string>
#include <string_view>

namespace mlops {

// The text with "***" in the place of each password that a URL in it holds (RFC 3986, 3.2.1): of "USER:PASSWORD@HOST",
// and of http and https also of "TOKEN@HOST".
std::string without_url_passwords(std::string text);
// Whether that would change it.
bool holds_url_password(std::string_view text);

}  // namespace mlops
