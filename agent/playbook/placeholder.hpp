// The syntax of {{ path | filter }}: splits texts into literal parts and placeholders.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/value.hpp"

namespace mlops {

// All offsets are in bytes of the text.
struct FilterCall {
  std::string name;
  std::vector<Value> arguments;
  std::size_t offset = 0;
};

struct Placeholder {
  std::vector<std::string> path;
  std::vector<FilterCall> filters;
  std::size_t offset = 0;  // of the path
  bool has_default() const;
};

struct SyntaxMistake {
  std::size_t offset = 0;
  std::string message, hint;
};

struct ParsedText {
  std::vector<std::variant<std::string, Placeholder>> pieces;
  std::vector<SyntaxMistake> mistakes;  // after one, parsing continues after the next }}
  // The placeholder if it is the whole text, or null.
  const Placeholder* single() const;
};

// path:   NAME ( "." NAME | "[" TEXT or INDEX "]" )*       NAME: letters, digits, _ and -
// filter: "|" NAME [ "(" LITERAL { "," LITERAL } ")" ]     LITERAL: 'text', "JSON text", number, true, false,
// null
// {{{{ is a literal {{. Unknown filters and wrong arguments are mistakes too.
ParsedText parse_text(std::string_view text);

struct ParsedPath {
  std::vector<std::string> path;  // empty after a mistake
  SyntaxMistake mistake;
};
// A path without {{ }}, as in the keys of `when`.
ParsedPath parse_path(std::string_view text);

// The path as written: vars.a["b c"].d
std::string path_text(const std::vector<std::string>& path);

}  // namespace mlops
