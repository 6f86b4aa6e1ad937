// Checks of parameters that name a file on a server, and the digest that it must have.
#pragma once

#include <optional>
#include <string>

#include "resource/schema.hpp"

namespace mlops {

// Whether an optional text is there and not empty.
inline bool is_given(const std::optional<std::string>& text) { return text && !text->empty(); }

// `url`, `sha256` and `sha256_url`: http or https, 64 hex digits, one of the two at most.
void check_verified_url(const std::string& url, const std::optional<std::string>& sha256,
                        const std::optional<std::string>& sha256_url, Checker& checker);

}  // namespace mlops
