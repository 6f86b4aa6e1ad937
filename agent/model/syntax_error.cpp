#include "model/syntax_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/suggest.hpp"
#include "base/utf8.hpp"

namespace mlops {
namespace {

using Last = ParseState::Last;

constexpr auto example = R"(write {"resources": [{"type": "package", "names": ["jq"]}]})";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }

// One explanation; positions are byte offsets until the end, when they are ascending.
class Explainer {
 public:
  Explainer(const ParseState& state, const char* end, Cursor& cursor)
      : state_(state), end_(end), cursor_(cursor), at_(skip_blank(state.after, end)) {}

  Diagnostic explain() {
    if (at_ != end_ && *at_ == '/') return slash();
    switch (state_.last) {
      case Last::nothing:
        if (at_ == end_) return say(at_, "the text is empty: there is no JSON value in it");
        if (is_yaml())
          return say(at_, "this looks like YAML, and what is read here is JSON (with comments)", example);
        return value("a value");
      case Last::open:
        return state_.open.back().object ? key("a key or `}`") : value("a value or `]`");
      case Last::key:
        return after_key();
      case Last::value:
        break;
    }
    if (!state_.open.empty()) return after_value();
    return say(at_, fmt::format("expected nothing after the end of the JSON value, found {}", found()));
  }

 private:
  Diagnostic say(const char* place, std::string message, std::string hint = "") {
    return {cursor_(place), std::move(message), std::move(hint), {}, {}};
  }

  // With a related note at the open bracket.
  Diagnostic inside(const char* place, std::string message, std::string hint = "") {
    Diagnostic d = say(place, std::move(message), std::move(hint));
    if (state_.open.empty()) return d;
    d.related = state_.open.back().where;
    d.related_message = state_.open.back().object ? "the object begins here" : "the list begins here";
    return d;
  }

  bool at(std::string_view text) const { return std::string_view(at_, end_).starts_with(text); }

  // "---", "- item" or "key: value" at the start.
  bool is_yaml() const {
    if (at("---") || at("- ") || at("%YAML")) return true;
    const std::string_view key = word();
    const auto rest = std::string_view(at_, end_).substr(key.size());
    const bool colon = rest.starts_with(": ") || rest.starts_with(":\n") || rest == ":";
    return colon && !key.empty() && is_letter(key[0]);
  }

  std::string_view word() const {
    return {at_, std::find_if(at_, end_,
                              [](char c) { return !is_letter(c) && !is_digit(c) && c != '-' && c != '.'; })};
  }

  std::string found() const {
    if (at_ == end_) return "the end of the text";
    if (*at_ == '"') return "a text";
    if (is_letter(*at_) || is_digit(*at_)) return fmt::format("`{}`", word().substr(0, 40));
    const std::size_t length = utf8_length({at_, end_});
    return fmt::format("`{}`", std::string_view(at_, std::max<std::size_t>(length, 1)));
  }

  void step_over(char c) {
    if (at_ != end_ && *at_ == c) at_ = skip_blank(at_ + 1, end_);
  }

  Diagnostic slash() {
    if (at("/*")) return say(at_, "this comment is never closed", "end it with `*/`");
    return say(at_, "a `/` alone begins no comment", "comments are `// …` and `/* … */`");
  }

  Diagnostic after_key() {
    if (!at(":"))
      return say(at_, fmt::format("expected `:` after the key `{}`, found {}", state_.key, found()));
    step_over(':');
    return value(fmt::format("a value for `{}`", state_.key));
  }

  Diagnostic after_value() {
    const bool object = state_.open.back().object;
    const char* const close = object ? "}" : "]";
    if (!at(",")) return no_comma(object, close);
    const char* const comma = at_;
    step_over(',');
    if (at(close)) return say(comma, "a comma too many: nothing follows it", "remove it");
    if (at("/")) return slash();
    return object ? key("a key") : value("a value");
  }

  Diagnostic no_comma(bool object, std::string_view close) {
    const char* const behind = state_.after;
    const bool number_before = is_digit(behind[-1]);
    if (number_before && at_ == behind && at_ != end_ && is_digit(*at_))
      return say(at_ - 1, "a number must not begin with 0", "a mode is a text: \"0644\"");
    if (number_before && at_ == behind && at_ != end_ && (is_letter(*at_) || *at_ == '.')) return malformed();
    const bool next_one = at_ == end_ || is_letter(*at_) || is_digit(*at_) ||
                          std::string_view("\"{[-").find(*at_) != std::string_view::npos;
    const bool pair = !object && at(":");
    // If the next token begins there, the place to fix is the gap before it; otherwise it is that text itself.
    return inside(next_one ? behind : at_,
                  fmt::format("expected a comma or `{}` after this {}, found {}", close,
                              object ? "member" : "item", found()),
                  pair ? "a key and its value belong between { and }" : "");
  }

  Diagnostic key(std::string_view wanted) {
    if (at("\"")) return text();
    if (at_ == end_ || *at_ == ',' || *at_ == ':' || *at_ == '}' || *at_ == ']')
      return inside(at_, fmt::format("expected {}, found {}", wanted, found()));
    if (at("'")) return say(at_, "texts are written in double quotes");
    if (at("#")) return say(at_, "`#` begins no comment here", "comments are `// …` and `/* … */`");
    if (is_letter(*at_) || is_digit(*at_))
      return say(at_, "a key is written in double quotes", fmt::format("write \"{}\"", word()));
    return inside(at_, fmt::format("expected {}, found {}", wanted, found()));
  }

  Diagnostic value(std::string_view wanted) {
    if (at_ == end_) return inside(at_, fmt::format("expected {}, found {}", wanted, found()));
    if (*at_ == '"') return text();
    if (*at_ == '/') return slash();
    if (*at_ == '\'') return say(at_, "texts are written in double quotes");
    if (*at_ == '#') return say(at_, "`#` begins no comment here", "comments are `// …` and `/* … */`");
    if (is_digit(*at_) || *at_ == '-' || *at_ == '+' || *at_ == '.') return number();
    if (is_letter(*at_)) return unknown_word();
    return inside(at_, fmt::format("expected {}, found {}", wanted, found()));
  }

  Diagnostic unknown_word() {
    const std::string_view written = word();
    const std::string near = nearest(written, {"true", "false", "null"});
    const std::string hint =
        near.empty() ? "texts are written in double quotes" : fmt::format("write {}", near);
    return say(at_, fmt::format("unknown word `{}`", written.substr(0, 40)), hint);
  }

  Diagnostic number() {
    const char* p = at_;
    if (*p == '-') ++p;
    if (end_ - p >= 2 && *p == '0' && is_digit(p[1])) return say(at_, "a number must not begin with 0");
    return malformed();
  }

  // An attempted number, or part of one, begins at at_.
  Diagnostic malformed() {
    const auto part = [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '+' || c == '-'; };
    const std::string_view raw(at_, std::find_if_not(at_, end_, part));
    return say(at_, fmt::format("`{}` is no JSON number", raw.substr(0, 40)),
               "numbers are written like 12, -0.5 or 3e8");
  }

  // The text begins at at_: the first invalid token in it.
  Diagnostic text() {
    for (const char* p = at_ + 1; p != end_ && *p != '"'; ++p) {
      const auto c = static_cast<unsigned char>(*p);
      if (c == '\n' || c == '\r')
        return say(at_, "this text is not closed on its line", "a line break is written \\n");
      if (c == '\t') return say(p, "a tab in a text is written \\t");
      if (c < 0x20) return say(p, fmt::format("this control character is written \\u{:04x} in a text", c));
      if (c != '\\') continue;
      if (p + 1 == end_) break;
      if (auto wrong = bad_escape(p)) return std::move(*wrong);
      p += p[1] == 'u' ? 5 : 1;
    }
    return say(at_, "this text is never closed");
  }

  static int hex_value(const char* p) { return std::stoi(std::string(p, 4), nullptr, 16); }

  bool is_unit(const char* p) const {
    return end_ - p >= 6 && p[0] == '\\' && p[1] == 'u' && std::all_of(p + 2, p + 6, is_hex);
  }

  // p is at a backslash.
  std::optional<Diagnostic> bad_escape(const char*& p) {
    if (p[1] != 'u') {
      if (std::string_view("\"\\/bfnrt").find(p[1]) != std::string_view::npos) return std::nullopt;
      const std::size_t length = std::max<std::size_t>(utf8_length({p + 1, end_}), 1);
      return say(p, fmt::format("unknown escape `\\{}` in a text", std::string_view(p + 1, length)),
                 "a backslash is written \\\\");
    }
    if (!is_unit(p)) return say(p, "\\u must be followed by four hexadecimal digits");
    const int unit = hex_value(p + 2);
    if (unit < 0xd800 || unit > 0xdfff) return std::nullopt;
    const int low = unit < 0xdc00 && is_unit(p + 6) ? hex_value(p + 8) : 0;
    if (low < 0xdc00 || low > 0xdfff)
      return say(p, fmt::format("{} is half of a pair of surrogates", std::string_view(p, 6)));
    p += 6;
    return std::nullopt;
  }

  const ParseState& state_;
  const char* const end_;
  Cursor& cursor_;
  const char* at_;
};

}  // namespace

Diagnostic explain_syntax_error(const ParseState& state, const char* end, Cursor& cursor) {
  return Explainer(state, end, cursor).explain();
}

}  // namespace mlops
