// Programs and their arguments as parameters.
#pragma once

#include "resource/schema.hpp"

namespace mlops {

// A program and its arguments. A word that begins with "~/" is a path below the person's home, as in every
// path, since there is no shell to expand it.
struct Argv {
  std::vector<std::string> words;
  friend bool operator==(const Argv&, const Argv&) = default;
};

// The word with ~ replaced by the home, if it begins with "~/".
std::string below_home(std::string word, const std::string& home);

// Checks the parameters `argv` and `shell`: exactly one of them says what runs.
void check_program(const Argv& argv, const std::optional<std::string>& shell, Checker& checker);

template <>
struct Codec<Argv> {
  static bool decode(const Value&, Argv& into, Decoder&);
  static std::string type_text();
  static Value json_schema();
  static Value to_value(const Argv&);
};

}  // namespace mlops
