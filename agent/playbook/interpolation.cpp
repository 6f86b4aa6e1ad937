#include "playbook/interpolation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/suggest.hpp"
#include "model/bounds.hpp"
#include "playbook/filter.hpp"
#include "playbook/placeholder.hpp"
#include "resource/locator.hpp"

namespace mlops {
namespace {

template <class Predicate>
bool any_text(const Value& value, const Predicate& predicate) {
  if (value.is_string()) return predicate(value.as_string());
  if (value.is_array())
    for (const Value& element : value.as_array())
      if (any_text(element, predicate)) return true;
  if (value.is_object())
    for (const Value::Member& member : value.as_object())
      if (any_text(member.value, predicate)) return true;
  return false;
}

bool text_has_references(std::string_view text) {
  for (std::size_t at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at + 4))
    if (!text.substr(at).starts_with("{{{{")) return true;
  return false;
}

InterpolationError error_at(const Value& text, std::size_t offset, std::string message, std::string hint) {
  return {{Locator().inside(text, offset), std::move(message), std::move(hint), {}, {}}};
}

std::optional<Value> look_up(const Placeholder& placeholder, const Scope& scope) {
  if (!placeholder.has_default()) return scope.lookup(placeholder.path);
  try {
    return scope.lookup(placeholder.path);
  } catch (const SkippedReference&) {
    return {};
  }
}

Value evaluate(const Placeholder& placeholder, const Value& text, const Scope& scope) {
  std::optional<Value> result = look_up(placeholder, scope);
  for (const FilterCall& call : placeholder.filters) {
    if (call.name == "default") {
      if (!result || result->is_null()) result = call.arguments[0];
    } else if (result) {
      try {
        const bool secret = holds_secret(*result);
        result = apply_filter(call, *result);
        result->secret = secret;
        if (secret && result->is_string()) scope.hide(result->as_string());
      } catch (const FilterMistake& mistake) {
        throw error_at(text, call.offset, mistake.message, mistake.hint);
      }
    }
  }
  if (!result)
    throw InterpolationError{unknown_name(placeholder.path, Locator().inside(text, placeholder.offset), scope)};
  return *std::move(result);
}

struct Extent {
  std::size_t bytes = 0, depth = 0;  // depth: nesting of lists and objects
};

Extent extent_of(const Value& value) {
  Extent all{sizeof(Value), 0};
  const auto add = [&](const Value& inner) {
    const Extent one = extent_of(inner);
    all.bytes += one.bytes;
    all.depth = std::max(all.depth, one.depth + 1);
  };
  if (value.is_string()) all.bytes += value.as_string().size();
  if (value.is_array() || value.is_object()) all.depth = 1;
  if (value.is_array())
    for (const Value& element : value.as_array()) add(element);
  if (value.is_object())
    for (const Value::Member& member : value.as_object()) {
      all.bytes += sizeof(Value::Member) - sizeof(Value) + member.key.size();
      add(member.value);
    }
  return all;
}

// Fills in one value, and enforces the limits on the result.
class Filling {
 public:
  explicit Filling(const Scope& scope) : scope_(scope) {}

  // depth: nesting of lists and objects around it.
  Value value(const Value& written, std::size_t depth) {
    if (written.is_string()) return text(written, depth);
    Value filled;
    if (written.is_array()) {
      Value::Array list;
      list.reserve(written.as_array().size());
      for (const Value& element : written.as_array()) list.push_back(value(element, depth + 1));
      filled = Value(std::move(list));
    } else if (written.is_object()) {
      Value::Object members;
      members.reserve(written.as_object().size());
      for (const Value::Member& m : written.as_object())
        members.emplace_back(m.key, m.key_where, value(m.value, depth + 1));
      filled = Value(std::move(members));
    } else {
      return written;
    }
    filled.where = written.where;
    return filled;
  }

 private:
  Value text(const Value& written, std::size_t depth) {
    if (written.as_string().find("{{") == std::string::npos) return written;
    const ParsedText parsed = parse_text(written.as_string());
    if (!parsed.mistakes.empty()) {
      const SyntaxMistake& first = parsed.mistakes[0];
      throw error_at(written, first.offset, first.message, first.hint);
    }
    Value filled;
    if (const Placeholder* single = parsed.single()) {
      filled = evaluate(*single, written, scope_);
      const Extent extent = extent_of(filled);
      spend(extent.bytes, written);
      if (depth + extent.depth > deepest_nesting)
        throw error_at(
            written, 0,
            fmt::format("filled in, more than {} lists and objects stand inside each other", deepest_nesting),
            "");
    } else {
      filled = joined(parsed, written);
    }
    filled.where = written.where;
    return filled;
  }

  Value joined(const ParsedText& parsed, const Value& written) {
    std::string all;
    bool secret = written.secret;
    for (const auto& piece : parsed.pieces) {
      if (const auto* literal = std::get_if<std::string>(&piece)) {
        all += *literal;
        continue;
      }
      const Value part = evaluate(std::get<Placeholder>(piece), written, scope_);
      secret = secret || holds_secret(part);
      const std::string as_text = part.to_text();
      spend(as_text.size(), written);
      all += as_text;
    }
    Value filled(std::move(all));
    filled.secret = secret;
    return filled;
  }

  void spend(std::size_t bytes, const Value& written) {
    bytes_ += bytes;
    if (bytes_ > largest_filled)
      throw error_at(written, 0, fmt::format("filled in, it is larger than {} MiB", largest_filled >> 20), "");
  }

  const Scope& scope_;
  std::size_t bytes_ = 0;  // filled in so far
};

void collect(const Value& value, std::vector<Reference>& list, Diagnostics& diagnostics, Locator& locator) {
  if (value.is_string() && value.as_string().find("{{") != std::string::npos) {
    const ParsedText parsed = parse_text(value.as_string());
    for (const SyntaxMistake& m : parsed.mistakes)
      diagnostics.add(locator.inside(value, m.offset), m.message, m.hint);
    for (const auto& piece : parsed.pieces)
      if (const auto* p = std::get_if<Placeholder>(&piece))
        list.push_back({p->path, locator.inside(value, p->offset), p->has_default()});
  } else if (value.is_array()) {
    for (const Value& element : value.as_array()) collect(element, list, diagnostics, locator);
  } else if (value.is_object()) {
    for (const Value::Member& member : value.as_object()) {
      if (member.key.find("{{") != std::string::npos)
        diagnostics.add(member.key_where, "`{{` in a name: only values are filled in");
      collect(member.value, list, diagnostics, locator);
    }
  }
}

std::optional<std::size_t> as_index(const std::string& text) {
  std::size_t index = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (failure != std::errc() || end != text.data() + text.size()) return {};
  return index;
}

}  // namespace

bool has_references(const Value& value) { return any_text(value, text_has_references); }

bool needs_filling(const Value& value) {
  return any_text(value, [](const std::string& text) { return text.find("{{") != std::string::npos; });
}

Value interpolate(const Value& value, const Scope& scope) { return Filling(scope).value(value, 0); }

std::vector<Reference> references(const Value& value, Diagnostics& diagnostics, Locator& locator) {
  std::vector<Reference> list;
  collect(value, list, diagnostics, locator);
  return list;
}

std::vector<Reference> references(const Value& value, Diagnostics& diagnostics) {
  Locator locator;
  return references(value, diagnostics, locator);
}

const Value* member_at(const Value& value, std::span<const std::string> path) {
  const Value* at = &value;
  for (const std::string& element : path) {
    if (at->is_array()) {
      const auto index = as_index(element);
      if (!index || *index >= at->as_array().size()) return nullptr;
      at = &at->as_array()[*index];
    } else {
      at = at->find(element);
      if (!at) return nullptr;
    }
  }
  return at;
}

std::vector<std::string> member_names(const Value& value) {
  std::vector<std::string> names;
  if (value.is_object())
    for (const Value::Member& member : value.as_object()) names.push_back(member.key);
  if (value.is_array())
    for (std::size_t i = 0; i < value.as_array().size(); ++i) names.push_back(std::to_string(i));
  return names;
}

namespace {

// Names joined together: "hostname" for both {"hostname"} and {"host", "name"}.
std::string squashed(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names)
    for (const char c : name)
      if (c != '_' && c != '-') text += c;
  return text;
}

// All paths below one, as far as a scope lists their names.
void paths_below(const Scope& scope, std::vector<std::string>& path,
                 std::vector<std::vector<std::string>>& into) {
  constexpr std::size_t deepest = 4, most = 1000;
  for (const std::string& name : scope.names(path)) {
    if (path.size() >= deepest || into.size() >= most) return;
    path.push_back(name);
    into.push_back(path);
    paths_below(scope, path, into);
    path.pop_back();
  }
}

// The fact whose joined names equal, or nearly equal, those of the path from `from` on: `facts.host.name` for
// facts.hostname.
std::string similar_fact(const std::vector<std::string>& path, std::size_t from, const Scope& scope) {
  std::vector<std::string> below(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(from));
  std::vector<std::vector<std::string>> all;
  paths_below(scope, below, all);
  std::vector<std::string> words;
  for (const auto& one : all) words.push_back(squashed(std::span(one).subspan(from)));
  const std::string near = nearest(squashed(std::span(path).subspan(from)), words);
  const auto found = std::find(words.begin(), words.end(), near);
  if (near.empty()) return "";
  return fmt::format("did you mean `{}`?", path_text(all[static_cast<std::size_t>(found - words.begin())]));
}

}  // namespace

Diagnostic unknown_name(const std::vector<std::string>& path, Position where, const Scope& scope) {
  std::vector<std::string> known;
  for (const std::string& element : path) {
    const std::vector<std::string> names = scope.names(known);
    known.push_back(element);
    if (std::find(names.begin(), names.end(), element) != names.end()) continue;
    if (path[0] == "hosts" && known.size() == 2 && names.empty()) continue;  // set on the command line
    std::string hint = as_index(element) ? "" : did_you_mean(element, names);
    if (hint.empty() && path[0] == "facts" && known.size() > 1)
      hint = similar_fact(path, known.size() - 1, scope);
    if (path[0] == "secrets" && known.size() == 1)
      return {where,
              fmt::format("there is no `{}`", path_text(path)),
              R"(declare it at the top: "secrets": {"NAME": {"env": "NAME"}})",
              {},
              {}};
    if (path[0] == "item" && known.size() == 1)
      return {where, "`item` is only there with `for_each`", "", {}, {}};
    if (hint.empty() && known.size() == 1) hint = fmt::format("names begin with {}", fmt::join(names, ", "));
    if (path[0] == "env" && known.size() == 2)
      return {where, fmt::format("the environment has no variable `{}`", element), std::move(hint), {}, {}};
    return {where, fmt::format("there is no `{}`", path_text(known)), std::move(hint), {}, {}};
  }
  if (path[0] == "secrets") return {where, "`secrets` wants a name behind it", "write `secrets.NAME`", {}, {}};
  return {where, fmt::format("there is no `{}`", path_text(path)), "", {}, {}};
}

}  // namespace mlops
