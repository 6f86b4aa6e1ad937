// Finds the position of a character inside a JSON text of a source.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "model/value.hpp"

namespace mlops {

// Caches where lines begin, so that many positions of one source cost no more than reading it once. The sources
// must not change while it lives.
class Locator {
 public:
  // The position of the byte at offset of text.as_string(), which begins at text.where: escapes before it in
  // the raw JSON are taken into account. A value that was not written anywhere returns text.where.
  Position inside(const Value& text, std::size_t offset);
  // Whether a JSON text begins there.
  bool is_text(const Position& where);

 private:
  struct Lines {
    std::vector<std::size_t> starts;
    std::uint32_t line = 0, column = 0;  // the last position found, and its byte: continuing from it is cheap
    std::size_t byte = 0;
  };
  std::size_t byte_of(const Position& where);
  std::unordered_map<const Source*, Lines> sources_;
};

}  // namespace mlops
