#include "hosts/hosts_file.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/trimmed.hpp"
#include "base/utf8.hpp"
#include "ssh/destination.hpp"

namespace mlops {
namespace {

constexpr auto one_a_line = "one host a line: a name that ssh knows, or user@host:port; # begins a comment";

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view first_word(std::string_view text) {
  return text.substr(0,
                     static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_blank) - text.begin()));
}

bool is_address(std::string_view word) {
  unsigned char bytes[sizeof(in6_addr)];
  const std::string text(word);
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Recognizes a line of another format: its name, to follow "this is"; and a hint, "" for the default
// one_a_line.
struct Foreign {
  std::string what, hint;
};

// line: trimmed, and not empty.
std::optional<Foreign> foreign(std::string_view line) {
  const std::string_view word = first_word(line);
  const std::string_view rest = trimmed(line.substr(word.size()));
  const bool group = line.front() == '[' && line.back() == ']' && line.find(':') == line.rfind(':');
  if (line.front() == '{' || line.front() == '}' || line.front() == '"' || word == "[" || line == "[]" ||
      line.starts_with("[\"") || line.starts_with("[{"))
    return Foreign{"JSON", ""};
  if (group) return Foreign{"a group of an inventory (INI), and there are no groups here", ""};
  if (is_address(line)) return std::nullopt;  // an IPv6 network ends in colons
  if (word == "---" || word == "-" || line.ends_with(':') || (word.ends_with(':') && !rest.empty()))
    return Foreign{"YAML", ""};
  if (lower(word) == "host" && !rest.empty())
    return Foreign{"ssh's configuration", "give that with --ssh-config, and name the hosts here, one a line"};
  if (is_address(word) && !rest.empty() && rest.find('=') == rest.npos)
    return Foreign{"a list of addresses such as /etc/hosts", ""};
  if (word.find('=') != word.npos || rest.find('=') != rest.npos)
    return Foreign{"a host with variables, as in an inventory",
                   "name the host alone, as user@host:port; its user, port and key can stand in ~/.ssh/config"};
  return std::nullopt;
}

// Why the word is not a host name; "" if it is one.
std::string wrong_with(std::string_view word) {
  if (word.front() == '-') return "an option of a command line has no place here";
  if (word.find(',') != word.npos) return "one host a line, without commas";
  if (std::any_of(word.begin(), word.end(), is_blank)) return "one host a line";
  try {
    ssh_destination(std::string(word));
    return "";
  } catch (const Error&) {
    return "a name that ssh knows, or user@host:port, was expected";
  }
}

class Reading {
 public:
  Reading(const Source& source, Diagnostics& mistakes)
      : source_(source), mistakes_(mistakes), text_(source.text) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  std::vector<std::string> names() {
    if (const std::size_t bad = std::min(text_.find('\0'), find_invalid_utf8(text_)); bad != text_.npos) {
      const auto line = static_cast<std::uint32_t>(std::count(text_.begin(), text_.begin() + bad, '\n') + 1);
      mistakes_.add({&source_, line, 1}, "this is no text", one_a_line);
      return {};
    }
    while (!text_.empty() && go_on_) take_line();
    if (go_on_ && !any_) mistakes_.add({&source_, 0, 0}, "it names no host", one_a_line);
    return std::move(names_);
  }

 private:
  void take_line() {
    const std::size_t end = std::min(text_.find('\n'), text_.size());
    const std::string_view line = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    ++number_;
    const std::string_view name = trimmed(line.substr(0, line.find('#')));
    if (name.empty()) return;
    any_ = true;
    const std::string_view before = line.substr(0, static_cast<std::size_t>(name.data() - line.data()));
    const Position where{&source_, number_, static_cast<std::uint32_t>(code_points(before) + 1)};
    if (const auto other = foreign(name)) {
      // The remaining lines would be mistakes, too.
      mistakes_.add(where, "this is " + other->what, other->hint.empty() ? one_a_line : other->hint);
      go_on_ = false;
    } else if (const std::string wrong = wrong_with(name); !wrong.empty()) {
      mistakes_.add(where, fmt::format("`{}` is no name of a host: {}", cut(std::string(name), 60), wrong),
                    one_a_line);
    } else {
      names_.emplace_back(name);
    }
  }

  const Source& source_;
  Diagnostics& mistakes_;
  std::string_view text_;
  std::vector<std::string> names_;
  std::uint32_t number_ = 0;
  bool any_ = false, go_on_ = true;
};

}  // namespace

bool is_host_name(const std::string& word) { return !word.empty() && wrong_with(word).empty(); }

std::vector<std::string> parse_hosts_file(const Source& text, Diagnostics& mistakes) {
  return Reading(text, mistakes).names();
}

}  // namespace mlops
