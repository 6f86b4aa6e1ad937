// JSON with comments, read with the place of every key and value.
#pragma once

#include <optional>
#include <string>

#include "model/diagnostic.hpp"
#include "model/value.hpp"

namespace mlops {

// Parses source.text, which must outlive the value: RFC 8259 with // and /* */ comments and a comma behind
// the last item or member; a UTF-8 byte order mark is passed over. Duplicate keys, integers that do not fit 64 bits, invalid UTF-8 and nesting deeper than
// deepest_nesting (model/bounds.hpp) are reported; a syntax error ends the parse. Absent when there is no value to use.
std::optional<Value> parse_document(const Source& source, Diagnostics& diagnostics);

}  // namespace mlops
