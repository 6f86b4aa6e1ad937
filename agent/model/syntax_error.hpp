// Says in plain words why a text is no JSON.
#pragma once

#include <string_view>
#include <vector>

#include "model/diagnostic.hpp"
#include "model/json_text.hpp"

namespace mlops {

// How far a parser came: the last thing that it understood, and what is still open around it.
struct ParseState {
  enum class Last { nothing, open, key, value };
  struct Open {
    bool object;
    Position where;  // of its bracket
  };
  Last last = Last::nothing;
  const char* after = nullptr;  // the byte after it
  std::string_view key;         // when last is key
  std::vector<Open> open;       // outermost first
};

// What is wrong at the first place where the text that ends at end cannot go on. Nothing before state.after is
// looked at, and cursor must not be beyond it.
Diagnostic explain_syntax_error(const ParseState& state, const char* end, Cursor& cursor);

}  // namespace mlops
