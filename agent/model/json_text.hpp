// Navigates the bytes of a JSON text with comments.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/value.hpp"

namespace mlops {

// Converts offsets to lines and columns. Offsets must be ascending: each step costs only the bytes since the
// last one.
class Cursor {
 public:
  Cursor(const Source& source, const char* begin) : source_(&source), at_(begin) {}
  Position operator()(const char* place);

 private:
  const Source* source_;
  const char* at_;
  std::uint32_t line_ = 1, column_ = 1;
};

// The first byte at or after p that is neither white space nor in a comment; stops at an unterminated comment,
// or at a slash that begins none. RFC 8259, section 2; a // comment ends at a line feed or carriage return.
const char* skip_blank(const char* p, const char* end);

// The byte after a string that begins at p with its quote; end if it is not closed.
const char* text_end(const char* p, const char* end);

// The byte after the number that begins at p (RFC 8259, section 6): in 0644 it ends after the 0.
const char* number_end(const char* p, const char* end);

}  // namespace mlops
