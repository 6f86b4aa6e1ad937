#include "resource/verified_url.hpp"

#include <fmt/format.h>

namespace mlops {
namespace {

void check_url(const char* parameter, const std::string& url, Checker& c) {
  if (!url.starts_with("https://") && !url.starts_with("http://"))
    c.error(parameter, fmt::format("`{}` is no http or https URL", url));
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

}  // namespace

void check_verified_url(const std::string& url, const std::optional<std::string>& sha256,
                        const std::optional<std::string>& sha256_url, Checker& c) {
  check_url("url", url, c);
  if (is_given(sha256_url)) check_url("sha256_url", *sha256_url, c);
  if (is_given(sha256) && !is_sha256(*sha256)) c.error("sha256", "a SHA-256 is 64 hex digits");
  if (is_given(sha256) && is_given(sha256_url))
    c.error("sha256_url", "`sha256` and `sha256_url` are both given", "leave one of them out");
}

}  // namespace mlops
