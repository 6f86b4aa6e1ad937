#include "resource/argv.hpp"

namespace mlops {

using Words = Codec<std::vector<std::string>>;

std::string below_home(std::string word, const std::string& home) {
  if (word.starts_with("~/") && !home.empty()) word.replace(0, 1, home);
  return word;
}

bool Codec<Argv>::decode(const Value& v, Argv& into, Decoder& d) {
  if (!Words::decode(v, into.words, d)) return false;
  for (std::string& word : into.words) word = below_home(std::move(word), d.home);
  return true;
}
std::string Codec<Argv>::type_text() { return Words::type_text(); }
Value Codec<Argv>::json_schema() { return Words::json_schema(); }
Value Codec<Argv>::to_value(const Argv& argv) { return Words::to_value(argv.words); }

void check_program(const Argv& argv, const std::optional<std::string>& shell, Checker& c) {
  const bool has_argv = c.given("argv");
  if (!has_argv && !shell) c.error("argv", "nothing to run: neither `argv` nor `shell` is given");
  if (has_argv && shell) c.error("shell", "`argv` and `shell` exclude each other");
  if (has_argv && (argv.words.empty() || argv.words[0].empty()))
    c.error("argv", "it needs the name of a program");
}

}  // namespace mlops
