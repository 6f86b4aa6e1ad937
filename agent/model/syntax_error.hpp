// Explains in plain words why a text is not valid JSON.
#pragma once

#include <string_view>
#include <vector>

#include "model/diagnostic.hpp"
#include "model/json_text.hpp"

namespace mlops {

// How far a parser got: the last token that it accepted, and the brackets still open.
struct ParseState {
  enum class Last { nothing, open, key, value };
  struct Open {
    bool object;
    Position where;  // of its bracket
  };
  Last last = Last::nothing;
  const char* after = nullptr;  // the byte after the last token
  std::string_view key;         // if last is key
  std::vector<Open> open;       // outermost first
};

// The mistake at the first place where the text, which ends at end, cannot continue. Nothing before state.after
// is read, and cursor must not be after it.
Diagnostic explain_syntax_error(const ParseState& state, const char* end, Cursor& cursor);

}  // namespace mlops
