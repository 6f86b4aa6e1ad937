#include "playbook/placeholder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/diagnostic.hpp"
#include "model/document.hpp"
#include "playbook/filter.hpp"

namespace mlops {
namespace {

constexpr auto literal_braces = "write `{{{{` for a literal `{{`";

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_name(c); });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}  // a path without {{ }}
  Parser(std::string_view text, std::size_t behind_braces) : text_(text), at_(behind_braces), inside_(true) {}

  std::size_t at() const { return at_; }
  bool ended() const { return at_ >= text_.size(); }

  // From after {{ to after }}.
  Placeholder placeholder() {
    Placeholder p;
    skip_spaces();
    p.offset = at_;
    p.path = path();
    for (skip_spaces(); accept("|"); skip_spaces()) p.filters.push_back(filter());
    if (!accept("}}")) fail(fmt::format("expected `|` or `}}}}`, found {}", here()));
    return p;
  }

  std::vector<std::string> path() {
    std::vector<std::string> elements{name()};
    for (;;) {
      if (accept(".")) {
        elements.push_back(name());
      } else if (accept("[")) {
        elements.push_back(element());
        if (!accept("]")) fail(fmt::format("expected `]`, found {}", here()));
      } else {
        return elements;
      }
    }
  }

  [[noreturn]] void fail(std::string message, std::string hint = "") const {
    throw SyntaxMistake{at_, std::move(message), std::move(hint)};
  }
  std::string here() const {
    if (ended()) return "the end of the text";
    std::size_t size = 1;
    while (at_ + size < text_.size() && (static_cast<unsigned char>(text_[at_ + size]) & 0xC0) == 0x80) ++size;
    return fmt::format("`{}`", text_.substr(at_, size));
  }

 private:
  bool accept(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  void skip_spaces() {
    while (!ended() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }

  std::string name() {
    const std::size_t begin = at_;
    while (!ended() && is_name(text_[at_])) ++at_;
    if (at_ == begin) refuse_braces();
    if (at_ == begin) fail("expected a name, found " + here(), literal_braces);
    return std::string(text_.substr(begin, at_ - begin));
  }

  void refuse_braces() const {
    if (inside_ && text_.substr(at_).starts_with("{{"))
      fail("`{{` inside of `{{ }}`: one does not stand in another",
           "write the path once, as in `{{vars.x}}`; no part of a path is looked up: where it varies, "
           "`for_each` over an "
           "object gives `{{item.key}}` and `{{item.value}}`");
  }

  std::string element() {
    const std::size_t begin = at_;
    refuse_braces();
    const Value value = literal();
    if (value.is_string() || (value.is_integer() && value.as_integer() >= 0)) return value.to_text();
    at_ = begin;
    fail("expected a name in quotes or an index in [ ]");
  }

  FilterCall filter() {
    skip_spaces();
    FilterCall call;
    call.offset = at_;
    call.name = name();
    if (accept("(")) call.arguments = arguments();
    if (const auto wrong = check_filter(call)) throw SyntaxMistake{call.offset, wrong->message, wrong->hint};
    return call;
  }

  std::vector<Value> arguments() {
    std::vector<Value> list;
    skip_spaces();
    if (accept(")")) return list;
    for (;;) {
      skip_spaces();
      list.push_back(literal());
      skip_spaces();
      if (accept(")")) return list;
      if (!accept(",")) fail(fmt::format("expected `,` or `)`, found {}", here()));
    }
  }

  Value literal() {
    if (!ended() && text_[at_] == '\'') return single_quoted();
    const std::size_t begin = at_;
    const std::size_t end = text_.substr(at_).starts_with('"') ? end_of_json_text() : end_of_word();
    const Source source{"", std::string(text_.substr(begin, end - begin))};
    Diagnostics mistakes;
    const auto value = end > begin ? parse_document(source, mistakes) : std::nullopt;
    if (!value || !mistakes.empty() || value->is_array() || value->is_object())
      fail(fmt::format("expected a text in quotes, a number, true, false or null, found {}", here()));
    at_ = end;
    Value result = *value;
    result.where = {};
    return result;
  }

  Value single_quoted() {
    const std::size_t begin = at_;
    std::string text;
    for (++at_; !ended(); ++at_) {
      if (text_[at_] == '\'') {
        ++at_;
        return text;
      }
      const bool escape = text_[at_] == '\\' && at_ + 1 < text_.size();
      if (escape && (text_[at_ + 1] == '\'' || text_[at_ + 1] == '\\')) ++at_;
      text += text_[at_];
    }
    at_ = begin;
    fail("a text that begins with ' does not end");
  }

  std::size_t end_of_json_text() const {
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\')
        ++i;
      else if (text_[i] == '"')
        return i + 1;
    }
    fail("a text that begins with \" does not end");
  }

  std::size_t end_of_word() const {
    std::size_t i = at_;
    while (i < text_.size() && (is_name(text_[i]) || text_[i] == '.' || text_[i] == '+')) ++i;
    return i;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool inside_ = false;  // of {{ }}
};

}  // namespace

bool Placeholder::has_default() const {
  return std::any_of(filters.begin(), filters.end(), [](const FilterCall& f) { return f.name == "default"; });
}

const Placeholder* ParsedText::single() const {
  return pieces.size() == 1 ? std::get_if<Placeholder>(&pieces[0]) : nullptr;
}

ParsedText parse_text(std::string_view text) {
  ParsedText parsed;
  std::string literal;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t braces = std::min(text.find("{{", at), text.size());
    literal += text.substr(at, braces - at);
    at = braces;
    if (text.substr(at).starts_with("{{{{")) {
      literal += "{{";
      at += 4;
      continue;
    }
    if (at == text.size()) break;
    if (!literal.empty()) parsed.pieces.emplace_back(std::exchange(literal, {}));
    const std::size_t end = text.find("}}", at);
    if (end == std::string_view::npos) {
      parsed.mistakes.push_back({at, "`{{` without `}}`", literal_braces});
      break;
    }
    Parser parser(text, at + 2);
    try {
      parsed.pieces.emplace_back(parser.placeholder());
      at = parser.at();
    } catch (const SyntaxMistake& mistake) {
      parsed.mistakes.push_back(mistake);
      at = end + 2;
    }
  }
  if (!literal.empty()) parsed.pieces.emplace_back(std::move(literal));
  return parsed;
}

ParsedPath parse_path(std::string_view text) {
  Parser parser(text);
  try {
    ParsedPath parsed{parser.path(), {}};
    if (!parser.ended()) parser.fail(fmt::format("expected `.` or `[`, found {}", parser.here()));
    return parsed;
  } catch (const SyntaxMistake& mistake) {
    return {{}, {mistake.offset, mistake.message, ""}};
  }
}

std::string path_text(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& element : path) {
    if (text.empty())
      text = element;
    else if (is_name(element))
      text += "." + element;
    else
      text += "[" + json_quote(element) + "]";
  }
  return text;
}

}  // namespace mlops
