#include "state/json_value.hpp"

#include "base/utf8.hpp"
#include "model/document.hpp"

namespace mlops {
namespace {

int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0; }

}  // namespace

Value parse_kept(const std::string& json) {
  const Source source{"state", json};
  Diagnostics ignored;
  return parse_document(source, ignored).value_or(Value());
}

Value kept_text(std::string_view bytes) {
  if (find_invalid_utf8(bytes) == std::string_view::npos) return Value(bytes);
  std::string hex;
  for (const char c : bytes) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  Value v;
  v.set("hex", std::move(hex));
  return v;
}

std::string text_of(const Value* kept) {
  if (!kept) return "";
  if (kept->is_string()) return kept->as_string();
  const Value* hex = kept->find("hex");
  if (!hex || !hex->is_string()) return "";
  std::string bytes;
  const std::string& digits = hex->as_string();
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(digit(digits[i]) << 4 | digit(digits[i + 1]));
  return bytes;
}

std::vector<std::string> texts_of(const std::string& json) {
  std::vector<std::string> texts;
  const Value list = parse_kept(json);
  if (list.is_array())
    for (const Value& one : list.as_array()) texts.push_back(text_of(&one));
  return texts;
}

std::string kept_texts(const std::vector<std::string>& texts) {
  Value::Array list;
  for (const std::string& text : texts) list.push_back(kept_text(text));
  return to_json(Value(std::move(list)));
}

}  // namespace mlops
