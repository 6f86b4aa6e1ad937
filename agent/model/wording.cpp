#include "model/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mlops {
namespace {

std::string joined(const Value::Array& list, std::string_view separator) {
  std::string text;
  for (const Value& item : list) {
    if (!text.empty()) text += separator;
    text += item.is_string() ? item.as_string() : item.to_text();
  }
  return text;
}

Value::Array without(const Value::Array& list, const Value::Array& others) {
  Value::Array rest;
  for (const Value& item : list)
    if (std::find(others.begin(), others.end(), item) == others.end()) rest.push_back(item);
  return rest;
}

// "groups + docker", "groups + a, b − c"; "" if the lists differ only in order.
std::string list_change(const std::string& property, const Value::Array& before, const Value::Array& after,
                        std::size_t limit) {
  const auto added = without(after, before), removed = without(before, after);
  std::string text = property;
  if (!added.empty()) text += " + " + cut(printable(joined(added, ", ")), limit);
  if (!removed.empty()) text += " − " + cut(printable(joined(removed, ", ")), limit);
  return text.size() > property.size() ? text : "";
}

// The lines that a unified diff adds and removes.
std::string diff_size(std::string_view diff) {
  std::uint64_t added = 0, removed = 0;
  while (!diff.empty()) {
    added += diff.front() == '+';
    removed += diff.front() == '-';
    const auto end = diff.find('\n');
    diff.remove_prefix(end == std::string_view::npos ? diff.size() : end + 1);
  }
  std::string text;
  if (added) text += fmt::format(" +{}", added);
  if (removed) text += fmt::format(" −{}", removed);
  return text;
}

// Databases store the events "cut off" and "taken back".
std::string shown_event(const std::string& property) {
  if (property == "cut off") return "interrupted step";
  if (property == "taken back") return "undone";
  return property;
}

std::string event_text(const Change& change, const std::string& property, std::size_t limit) {
  if (change.after.is_null() || change.after.is_bool()) return property;
  return property + " " + (change.sensitive ? "***" : describe(change.after, limit));
}

}  // namespace

std::string describe(const Value& value, std::size_t limit) {
  if (value.is_null()) return "none";
  if (value.is_bool()) return value.as_bool() ? "yes" : "no";
  if (value.is_string()) return value.as_string().empty() ? "\"\"" : cut(printable(value.as_string()), limit);
  if (value.is_array())
    return value.as_array().empty() ? "none" : cut(printable(joined(value.as_array(), ", ")), limit);
  return cut(printable(value.to_text()), limit);
}

std::string describe(const Change& change, std::size_t limit) {
  const std::string property = printable(change.property);
  if (change.is_event()) return event_text(change, shown_event(property), limit);
  if (change.kind == Change::Kind::create) return "create";
  if (change.kind == Change::Kind::remove) return "remove";
  if (change.sensitive) return property + (change.before.is_null() ? " ***" : " *** → ***");
  if (!change.text_diff.empty()) return property + diff_size(change.text_diff);
  if (change.before.is_array() && change.after.is_array()) {
    const std::string text = list_change(property, change.before.as_array(), change.after.as_array(), limit);
    if (!text.empty()) return text;
  }
  if (change.before.is_null()) return property + " " + describe(change.after, limit);
  const bool old = change.after.is_null() && goes_along(change);
  return fmt::format("{} {} → {}", property, describe(change.before, limit),
                     old ? "removed" : describe(change.after, limit));
}

bool goes_along(const Change& change) {
  const Value& after = change.after;
  return change.property.starts_with('+') &&
         (after.is_null() || after == Value("removed") || after == Value("purged"));
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3;) text.insert(i -= 3, 1, ',');
  return text;
}

std::string duration(double seconds) {
  if (seconds < 0.00995) return fmt::format("{:.3f} s", seconds);
  if (seconds < 0.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string byte_size(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr std::array<const char*, 4> units = {"kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < units.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, units[unit]);
}

}  // namespace mlops
