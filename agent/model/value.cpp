#include "model/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/printable.hpp"
#include "base/utf8.hpp"

namespace mlops {
namespace {

template <class Number, class... Format>
void append_number(std::string& into, Number n, Format... format) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), n, format...).ptr;
  into.append(buffer.data(), end);
}

// The shortest text that reads back as the same number: whole numbers up to 2^53 without an exponent, above it
// always with one, as digits alone could be an integer that does not fit 64 bits. JSON has no word for
// infinities and NaN.
void append_double(std::string& into, double d) {
  constexpr double exact = 9007199254740992;  // 2^53
  if (!std::isfinite(d)) {
    into += "null";
  } else if (d == std::floor(d) && std::fabs(d) < exact && !(d == 0 && std::signbit(d))) {
    append_number(into, static_cast<std::int64_t>(d));
  } else if (std::fabs(d) >= exact) {
    append_number(into, d, std::chars_format::scientific);
  } else {
    append_number(into, d);
  }
}

void append_control(std::string& into, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto u = static_cast<unsigned char>(c);
  switch (c) {
    case '\b':
      into += "\\b";
      break;
    case '\f':
      into += "\\f";
      break;
    case '\n':
      into += "\\n";
      break;
    case '\r':
      into += "\\r";
      break;
    case '\t':
      into += "\\t";
      break;
    default:
      into += "\\u00";
      into += digits[u >> 4];
      into += digits[u & 15];
  }
}

// One non-ASCII sequence. JSON may also be read on a terminal, so terminal control characters are escaped.
void append_sequence(std::string& into, std::string_view sequence) {
  if (sequence.empty()) {
    into += "\xef\xbf\xbd";  // U+FFFD for invalid UTF-8
    return;
  }
  const std::uint32_t code = code_point_of(sequence);
  if (!steers_terminal(code))
    into += sequence;
  else if (code <= 0xffff)
    into += fmt::format("\\u{:04x}", code);
  else  // a surrogate pair, RFC 8259, section 7
    into += fmt::format("\\u{:04x}\\u{:04x}", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
}

bool plain(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x20 && u < 0x7f && c != '"' && c != '\\';
}

void append_quoted(std::string& into, std::string_view text) {
  into += '"';
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    while (i < text.size() && plain(text[i])) ++i;
    into.append(text, begin, i - begin);
    if (i == text.size()) break;
    if (static_cast<unsigned char>(text[i]) >= 0x80) {
      const std::size_t length = utf8_length(text.substr(i));
      append_sequence(into, text.substr(i, length));
      i += length ? length : 1;
      continue;
    }
    if (text[i] == '"' || text[i] == '\\') {
      into += '\\';
      into += text[i];
    } else {
      append_control(into, text[i]);
    }
    ++i;
  }
  into += '"';
}

class Writer {
 public:
  Writer(std::string& out, int indent) : out_(out), indent_(indent) {}

  void write(const Value& v) {
    if (v.is_null()) {
      out_ += "null";
    } else if (v.is_bool()) {
      out_ += v.as_bool() ? "true" : "false";
    } else if (v.is_integer()) {
      append_number(out_, v.as_integer());
    } else if (v.is_number()) {
      append_double(out_, v.as_number());
    } else if (v.is_string()) {
      append_quoted(out_, v.as_string());
    } else if (v.is_array()) {
      list('[', v.as_array(), ']', [this](const Value& item) { write(item); });
    } else {
      list('{', v.as_object(), '}', [this](const Value::Member& m) {
        append_quoted(out_, m.key);
        out_ += indent_ < 0 ? ":" : ": ";
        write(m.value);
      });
    }
  }

 private:
  template <class Items, class Write>
  void list(char open, const Items& items, char close, Write write_item) {
    out_ += open;
    ++depth_;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += ',';
      first = false;
      new_line();
      write_item(item);
    }
    --depth_;
    if (!items.empty()) new_line();
    out_ += close;
  }

  void new_line() {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<std::size_t>(indent_) * depth_, ' ');
  }

  std::string& out_;
  int indent_;
  std::size_t depth_ = 0;
};

// Exact even if a double cannot represent the integer.
bool equal(std::int64_t i, double d) {
  constexpr double limit = 9223372036854775808.0;  // 2^63
  return d >= -limit && d < limit && d == std::floor(d) && static_cast<std::int64_t>(d) == i;
}

bool equal(const Value::Object& a, const Value::Object& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].key == b[i].key) {
      if (!(a[i].value == b[i].value)) return false;
      continue;
    }
    const Value::Member* other = nullptr;
    for (const auto& m : b)
      if (m.key == a[i].key) other = &m;
    if (!other || !(a[i].value == other->value)) return false;
  }
  return true;
}

}  // namespace

double Value::as_number() const {
  return is_integer() ? static_cast<double>(as_integer()) : std::get<double>(data_);
}

const Value* Value::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const Member& m : as_object())
    if (m.key == key) return &m.value;
  return nullptr;
}

Value& Value::set(std::string key, Value value) {
  if (is_null()) data_ = Object{};
  for (Member& m : as_object())
    if (m.key == key) return m.value = std::move(value);
  return as_object().emplace_back(std::move(key), std::move(value)).value;
}

std::string_view Value::kind_name() const {
  switch (data_.index()) {
    case 0:
      return "null";
    case 1:
      return "true or false";
    case 2:
      return "an integer";
    case 3:
      return "a number";
    case 4:
      return "a text";
    case 5:
      return "a list";
    default:
      return "an object";
  }
}

std::string Value::to_text() const { return is_string() ? as_string() : to_json(*this); }

bool operator==(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_number() && !b.is_integer()) return equal(a.as_integer(), b.as_number());
  if (b.is_integer() && a.is_number() && !a.is_integer()) return equal(b.as_integer(), a.as_number());
  if (a.data_.index() != b.data_.index()) return false;
  if (a.is_object()) return equal(a.as_object(), b.as_object());
  if (a.is_array()) return a.as_array() == b.as_array();
  if (a.is_string()) return a.as_string() == b.as_string();
  if (a.is_integer()) return a.as_integer() == b.as_integer();
  if (a.is_number()) return a.as_number() == b.as_number();
  return a.is_null() || a.as_bool() == b.as_bool();
}

bool holds_secret(const Value& value) {
  if (value.secret) return true;
  if (value.is_array()) return std::any_of(value.as_array().begin(), value.as_array().end(), holds_secret);
  return value.is_object() && std::any_of(value.as_object().begin(), value.as_object().end(),
                                          [](const Value::Member& m) { return holds_secret(m.value); });
}

std::string to_json(const Value& value, int indent) {
  std::string text;
  Writer(text, indent).write(value);
  return text;
}

std::string json_quote(std::string_view text) {
  std::string quoted;
  quoted.reserve(text.size() + 2);
  append_quoted(quoted, text);
  return quoted;
}

}  // namespace mlops
