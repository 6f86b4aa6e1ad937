#include "model/shell_path.hpp"

#include <algorithm>

namespace mlops {
namespace {

bool blank(char c) { return c == ' ' || c == '\t'; }
bool ends_word(char c) { return blank(c) || std::string_view(";&|()<>").find(c) != std::string_view::npos; }
bool in_name(char c) { return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

std::string_view without_blanks(std::string_view s) {
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && (blank(s.back()) || s.back() == '\r')) s.remove_suffix(1);
  return s;
}

// The line up to a comment, its leading blanks removed.
std::string_view code_of(std::string_view line) {
  line = without_blanks(line);
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && quote != '\'') {
      ++i;
    } else if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (i == 0 || ends_word(line[i - 1]))) {
      return without_blanks(line.substr(0, i));
    }
  }
  return line;
}

// Takes one word off the front of text, without its quotes. A $ or ~ that is literal because of a quote or a
// backslash becomes the byte 1, which no path contains.
std::string take_word(std::string_view& text) {
  std::string word;
  char quote = 0;
  std::size_t i = 0;
  for (; i < text.size() && (quote || !ends_word(text[i])); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      const char next = text[++i];
      word += next == '$' || next == '~' ? '\1' : next;
    } else if (c == quote) {
      quote = 0;
    } else if (!quote && (c == '"' || c == '\'')) {
      quote = c;
    } else {
      word += (c == '$' && quote == '\'') || (c == '~' && quote) ? '\1' : c;
    }
  }
  text.remove_prefix(i);
  return word;
}

// The folder named by one element of PATH, as an absolute path.
std::string element_path(std::string_view element, const std::string& home) {
  std::string path;
  for (const std::string_view name : {"$HOME", "${HOME}", "~"})
    if (element.starts_with(name) && (element.size() == name.size() || element[name.size()] == '/')) {
      path = home;
      element.remove_prefix(name.size());
      break;
    }
  for (const char c : element)
    if (c != '/' || !path.ends_with('/')) path += c;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// Whether one of the elements (a word split at its colons) is the folder.
bool holds(std::string_view word, const std::string& folder, const std::string& home) {
  while (true) {
    const auto colon = std::min(word.find(':'), word.size());
    if (element_path(word.substr(0, colon), home) == folder) return true;
    if (colon == word.size()) return false;
    word.remove_prefix(colon + 1);
  }
}

// Whether an assignment that begins at code ("PATH=…", "path+=(…)") adds the folder to the shell's PATH.
bool assigns(std::string_view code, bool exported, const std::string& folder, const std::string& home) {
  const auto equals = code.find('=');
  std::string_view rest = code.substr(equals + 1);
  if (code.starts_with("path")) {  // zsh's array
    if (!rest.starts_with('(')) return false;
    for (rest.remove_prefix(1); !(rest = without_blanks(rest)).empty() && !ends_word(rest.front());)
      if (holds(take_word(rest), folder, home)) return true;
    return false;
  }
  const std::string word = take_word(rest);
  rest = without_blanks(rest);
  const bool for_one_command = !exported && !rest.empty() && !ends_word(rest.front());
  return !for_one_command && holds(word, folder, home);
}

// Whether a line of a start-up file for sh, bash or zsh adds the folder to PATH: export PATH=…, PATH=…,
// path+=(…), alone or after a condition.
bool posix_line_adds(std::string_view line, const std::string& folder, const std::string& home) {
  const std::string_view code = code_of(line);
  char quote = 0;
  bool exported = false;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (quote) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (i > 0 && !ends_word(code[i - 1])) continue;
    const std::string_view here = code.substr(i);
    if (here.starts_with(';') || here.starts_with('&') || here.starts_with('|')) exported = false;
    for (const std::string_view word : {"export ", "typeset ", "declare "})
      if (here.starts_with(word)) exported = true;
    for (const std::string_view name : {"PATH=", "PATH+=", "path=", "path+="})
      if (here.starts_with(name) && assigns(here, exported, folder, home)) return true;
  }
  return false;
}

// The same for fish: fish_add_path …, set -gx PATH …, set -U fish_user_paths ….
bool fish_line_adds(std::string_view line, const std::string& folder, const std::string& home) {
  std::string_view rest = code_of(line);
  bool sets = false, path = false;
  while (!rest.empty()) {
    if (ends_word(rest.front())) {
      if (!blank(rest.front())) sets = path = false;
      rest.remove_prefix(1);
      continue;
    }
    const std::string word = take_word(rest);
    if (path && holds(word, folder, home)) return true;
    if (word == "and" || word == "or" || word == "not") continue;
    path = path || word == "fish_add_path" || (sets && (word == "PATH" || word == "fish_user_paths"));
    sets = sets || word == "set";
  }
  return false;
}

bool has_word(std::string_view code, std::string_view word) {
  for (auto at = code.find(word); at != std::string_view::npos; at = code.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || !in_name(code[at - 1])) && (end == code.size() || !in_name(code[end]))) return true;
  }
  return false;
}

}  // namespace

bool adds_to_path(ShellSyntax syntax, std::string_view line, const std::string& folder,
                  const std::string& home) {
  return syntax == ShellSyntax::fish ? fish_line_adds(line, folder, home) : posix_line_adds(line, folder, home);
}

std::size_t early_return(const std::vector<std::string_view>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view code = code_of(lines[i]);
    if (code.find("$-") == std::string_view::npos && code.find("PS1") == std::string_view::npos) continue;
    if (has_word(code, "return")) return i;
    if (!code.starts_with("case ") && !code.starts_with("if ")) continue;
    if (has_word(code, "esac") || has_word(code, "fi")) continue;
    for (std::size_t k = i + 1; k < lines.size(); ++k) {
      const std::string_view next = code_of(lines[k]);
      if (has_word(next, "return")) return i;
      if (next.starts_with("esac") || next == "fi" || next.starts_with("else")) break;
    }
  }
  return lines.size();
}

}  // namespace mlops
