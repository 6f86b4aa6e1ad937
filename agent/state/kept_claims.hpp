// Claims and objects as they are stored: lists of their texts, as JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/claim.hpp"
#include "state/json_value.hpp"

namespace mlops {

// Of claims, or of objects.
template <class List>
std::string kept_claims(const List& claims) {
  std::vector<std::string> texts;
  for (const auto& claim : claims) texts.push_back(to_string(claim));
  return kept_texts(texts);
}

// Without those that this version cannot read.
inline Claims parsed_claims(const std::string& kept) {
  Claims claims;
  for (const std::string& text : texts_of(kept))
    if (auto claim = parse_claim(text)) claims.push_back(*std::move(claim));
  return claims;
}

}  // namespace mlops
