#include <fmt/format.h>

#include <unordered_set>

#include "playbook/playbook.hpp"

namespace mlops {
namespace {

std::string key_of(const Value& element, std::size_t index) {
  return !element.secret && (element.is_string() || element.is_number()) ? element.to_text()
                                                                         : std::to_string(index);
}

Value item_of(const Value::Member& member) {
  Value item;
  item.set("key", Value(member.key));
  item.set("value", member.value);
  item.where = member.value.where;
  return item;
}

}  // namespace

std::vector<std::pair<std::string, Value>> expand_for_each(const Value& filled, Diagnostics& diagnostics) {
  std::vector<std::pair<std::string, Value>> items;
  if (filled.is_array()) {
    const Value::Array& list = filled.as_array();
    for (std::size_t i = 0; i < list.size(); ++i) items.emplace_back(key_of(list[i], i), list[i]);
  } else if (filled.is_object()) {
    for (const Value::Member& member : filled.as_object()) items.emplace_back(member.key, item_of(member));
  } else {
    diagnostics.add(filled.where,
                    fmt::format("`for_each` must be a list or an object, found {}", filled.kind_name()));
  }
  std::unordered_set<std::string_view> keys;
  for (const auto& [key, item] : items)
    if (!keys.insert(key).second)
      diagnostics.add(item.where.source ? item.where : filled.where,
                      fmt::format("`{}` comes twice in `for_each`", key));
  return items;
}

}  // namespace mlops
