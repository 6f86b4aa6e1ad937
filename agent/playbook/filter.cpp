#include "playbook/filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/suggest.hpp"
#include "model/bounds.hpp"

namespace mlops {
namespace {

struct Filter {
  std::string_view name, argument;  // what the argument is; "" if it takes none
  Value (*apply)(const Value& value, const FilterCall& call);
};

const std::string& text_of(const Value& value, const FilterCall& call) {
  if (value.is_string()) return value.as_string();
  throw FilterMistake{fmt::format("the filter `{}` needs a text, found {}", call.name, value.kind_name()), ""};
}

Value mapped(const Value& value, const FilterCall& call, char from, char to, int distance) {
  std::string text = text_of(value, call);
  for (char& c : text)
    if (c >= from && c <= to) c = static_cast<char>(c + distance);
  return text;
}

std::string_view without_end_slashes(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

Value lower(const Value& value, const FilterCall& call) { return mapped(value, call, 'A', 'Z', 'a' - 'A'); }
Value upper(const Value& value, const FilterCall& call) { return mapped(value, call, 'a', 'z', 'A' - 'a'); }

Value basename(const Value& value, const FilterCall& call) {
  const std::string_view path = without_end_slashes(text_of(value, call));
  return path == "/" ? path : path.substr(path.rfind('/') + 1);
}

Value dirname(const Value& value, const FilterCall& call) {
  const std::string_view path = without_end_slashes(text_of(value, call));
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return without_end_slashes(path.substr(0, slash + 1));
}

template <class ToText>
std::string joined(const Value::Array& list, std::string_view separator, ToText to_text) {
  std::string text;
  for (const Value& element : list) {
    if (&element != list.data()) text += separator;
    text += to_text(element);
    if (text.size() > largest_filled)
      throw FilterMistake{
          fmt::format("the text that is made of this list is larger than {} MiB", largest_filled >> 20), ""};
  }
  return text;
}

Value join(const Value& value, const FilterCall& call) {
  if (!value.is_array())
    throw FilterMistake{fmt::format("the filter `join` needs a list, found {}", value.kind_name()), ""};
  return joined(value.as_array(), call.arguments[0].as_string(), [](const Value& v) { return v.to_text(); });
}

Value json(const Value& value, const FilterCall&) { return to_json(value); }

std::string shell_word(const Value& value) {
  std::string word = "'";
  for (const char c : value.to_text()) {
    if (c == '\'')
      word += "'\\''";
    else
      word += c;
  }
  return word + "'";
}

Value quote(const Value& value, const FilterCall&) {
  return value.is_array() ? joined(value.as_array(), " ", shell_word) : shell_word(value);
}

constexpr std::array filters{
    Filter{"default", "a value", nullptr},
    Filter{"lower", "", lower},
    Filter{"upper", "", upper},
    Filter{"basename", "", basename},
    Filter{"dirname", "", dirname},
    Filter{"join", "a text", join},
    Filter{"json", "", json},
    Filter{"quote", "", quote},
};

const Filter* find_filter(std::string_view name) {
  const auto found =
      std::find_if(filters.begin(), filters.end(), [&](const Filter& f) { return f.name == name; });
  return found == filters.end() ? nullptr : &*found;
}

FilterMistake unknown_filter(const std::string& name) {
  std::vector<std::string> names;
  for (const Filter& filter : filters) names.emplace_back(filter.name);
  std::string hint = did_you_mean(name, names);
  if (hint.empty()) hint = fmt::format("the filters are {}", fmt::join(names, ", "));
  return {fmt::format("unknown filter `{}`", name), hint};
}

}  // namespace

std::optional<FilterMistake> check_filter(const FilterCall& call) {
  const Filter* filter = find_filter(call.name);
  if (!filter) return unknown_filter(call.name);
  if (filter->argument.empty() && !call.arguments.empty())
    return FilterMistake{fmt::format("the filter `{}` takes no argument", call.name), ""};
  const bool wants_text = filter->argument == "a text";
  if (!filter->argument.empty() &&
      (call.arguments.size() != 1 || (wants_text && !call.arguments[0].is_string())))
    return FilterMistake{fmt::format("the filter `{}` takes {} as its argument", call.name, filter->argument),
                         fmt::format("write `{}('{}')`", call.name, wants_text ? ", " : "x")};
  return {};
}

Value apply_filter(const FilterCall& call, const Value& value) {
  const Filter* filter = find_filter(call.name);
  if (!filter) throw unknown_filter(call.name);
  return filter->apply ? filter->apply(value, call) : value;
}

}  // namespace mlops
