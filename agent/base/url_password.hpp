// Masks passwords in URLs.
#pragma once

#include <string>
#include <string_view>

namespace mlops {

// The text with "***" in place of each password in a URL (RFC 3986, 3.2.1): in "USER:PASSWORD@HOST", and for
// http and https also in "TOKEN@HOST".
std::string without_url_passwords(std::string text);
// Whether that would change it.
bool holds_url_password(std::string_view text);

}  // namespace mlops
