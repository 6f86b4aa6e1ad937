// Parses JSON with comments, and records the position of every key and value.
#pragma once

#include <optional>
#include <string>

#include "model/diagnostic.hpp"
#include "model/value.hpp"

namespace mlops {

// Parses source.text, which must outlive the value: RFC 8259 with // and /* */ comments and trailing commas; a
// UTF-8 byte order mark is skipped. Duplicate keys, integers that do not fit 64 bits, invalid UTF-8 and nesting
// deeper than deepest_nesting (model/bounds.hpp) are reported; a syntax error ends the parse. Absent if there
// is no usable value.
std::optional<Value> parse_document(const Source& source, Diagnostics& diagnostics);

}  // namespace mlops
