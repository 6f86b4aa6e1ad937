#include "aws/json.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/document.hpp"

namespace mlops::aws {

Value parse_json(const std::string& text, const std::string& name) {
  const Source source{name, text};
  Diagnostics mistakes;
  auto value = parse_document(source, mistakes);
  if (value && mistakes.empty()) return std::move(*value);
  const Position where = mistakes.empty() ? Position{} : mistakes.list().front().where;
  throw Error(fmt::format("{}:{}:{}: not JSON", name, where.line, where.column));
}

const Value* member_at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* at = &value;
  for (const std::string_view name : path)
    if (!(at = at->find(name))) return nullptr;
  return at;
}

std::string text_at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* member = member_at(value, path);
  return member && member->is_string() ? member->as_string() : "";
}

}  // namespace mlops::aws
