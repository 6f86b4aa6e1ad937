#include "playbook/condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/regular_expression.hpp"
#include "base/suggest.hpp"
#include "playbook/placeholder.hpp"
#include "resource/locator.hpp"

namespace mlops {
namespace {

constexpr std::size_t longest_shown = 60;  // code points of the written text, in a message

constexpr std::array<std::string_view, 3> groups{"any", "all", "none"};
constexpr std::array operators{"at_least", "below", "not", "matches", "exists"};

bool is_group(const std::string& key) { return std::find(groups.begin(), groups.end(), key) != groups.end(); }
bool is_scalar(const Value& value) { return !value.is_array() && !value.is_object(); }

// ---- syntax -------------------------------------------------------------------------------------------------

void check_choice(const Value& wanted, const std::string& what, Diagnostics& diagnostics) {
  if (is_scalar(wanted)) return;
  if (wanted.is_object()) {
    diagnostics.add(wanted.where, fmt::format("{} is a value or a list of values, found an object", what));
    return;
  }
  if (wanted.as_array().empty()) diagnostics.add(wanted.where, "an empty list is never matched");
  for (const Value& element : wanted.as_array())
    if (!is_scalar(element))
      diagnostics.add(element.where,
                      fmt::format("{} is a list of plain values, found {}", what, element.kind_name()));
}

Diagnostic no_expression(const Value& written, const Error& why, const Position& where) {
  const std::string text = holds_secret(written) ? "***" : written.as_string();
  return {where,
          fmt::format("`{}` is no regular expression: {}", cut(text, longest_shown), why.what()),
          regular_expression_hint,
          {},
          {}};
}

void check_matches(const Value& wanted, Diagnostics& diagnostics) {
  if (!wanted.is_string()) {
    diagnostics.add(wanted.where,
                    fmt::format("`matches` wants a regular expression, found {}", wanted.kind_name()));
  } else if (!needs_filling(wanted)) {
    try {
      RegularExpression(wanted.as_string());
    } catch (const Error& e) {
      diagnostics.add(no_expression(wanted, e, wanted.where));
    }
  }
}

void check_operator(const Value::Member& member, Diagnostics& diagnostics) {
  const Value& wanted = member.value;
  if (member.key == "not") {
    check_choice(wanted, "`not`", diagnostics);
  } else if (member.key == "matches") {
    check_matches(wanted, diagnostics);
  } else if (member.key == "exists") {
    if (!wanted.is_bool())
      diagnostics.add(wanted.where, fmt::format("`exists` is true or false, found {}", wanted.kind_name()));
  } else if (member.key == "at_least" || member.key == "below") {
    if (!wanted.is_number() && !wanted.is_string())
      diagnostics.add(wanted.where, fmt::format("`{}` wants a number or the text of a version, found {}",
                                                member.key, wanted.kind_name()));
  } else {
    std::string hint = did_you_mean(member.key, {operators.begin(), operators.end()});
    if (hint.empty()) hint = fmt::format("the operators are {}", fmt::join(operators, ", "));
    diagnostics.add(member.key_where, fmt::format("unknown operator `{}`", member.key), std::move(hint));
  }
}

void check_group(const Value::Member& member, Diagnostics& diagnostics) {
  if (!member.value.is_array() || member.value.as_array().empty()) {
    diagnostics.add(member.value.where, fmt::format("`{}` wants a list of conditions", member.key));
    return;
  }
  for (const Value& condition : member.value.as_array()) check_condition(condition, diagnostics);
}

// For a key that contains more than a path: the intended form, as written.
std::string hint_for_key(const std::string& key) {
  if (key.find("{{") != std::string::npos)
    return R"(a key is a path without braces: {"facts.os.id": "debian"})";
  if (key.find("!=") != std::string::npos) return R"(write {"facts.os.id": {"not": "debian"}})";
  if (key.find_first_of("<>") != std::string::npos)
    return R"(write {"facts.memory.bytes": {"at_least": 8e9}} or {"below": 8e9})";
  if (key.find('=') != std::string::npos) return R"(write {"facts.os.id": "debian"})";
  return "a path is such as `facts.os.id`; groups are any, all, none";
}

Diagnostic no_path(const Value::Member& member, const SyntaxMistake& why) {
  return {member.key_where,
          fmt::format("`{}` is no path: {}", cut(member.key, longest_shown), why.message),
          hint_for_key(member.key),
          {},
          {}};
}

void check_member(const Value::Member& member, Diagnostics& diagnostics) {
  if (is_group(member.key)) return check_group(member, diagnostics);
  const ParsedPath parsed = parse_path(member.key);
  if (parsed.path.empty()) {
    diagnostics.add(no_path(member, parsed.mistake));
  } else if (!member.value.is_object()) {
    check_choice(member.value, "the expected value", diagnostics);
  } else {
    if (member.value.as_object().empty()) diagnostics.add(member.value.where, "no operator is given");
    for (const Value::Member& op : member.value.as_object()) check_operator(op, diagnostics);
  }
}

void collect_from_condition(const Value& when, std::vector<Reference>& list, Diagnostics& diagnostics,
                            Locator& locator) {
  if (!when.is_object()) return;
  for (const Value::Member& member : when.as_object()) {
    if (is_group(member.key)) {
      if (!member.value.is_array()) continue;
      for (const Value& condition : member.value.as_array())
        collect_from_condition(condition, list, diagnostics, locator);
      continue;
    }
    const ParsedPath parsed = parse_path(member.key);
    if (!parsed.path.empty())
      list.push_back({parsed.path, member.key_where, member.value.find("exists") != nullptr});
    for (Reference& reference : references(member.value, diagnostics, locator))
      list.push_back(std::move(reference));
  }
}

// ---- matching -----------------------------------------------------------------------------------------------

// Compares texts as versions: runs of digits by their number, everything else by its bytes.
int compare_versions(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto take_number = [&](std::string_view& text) {
    std::size_t size = 0;
    while (size < text.size() && is_digit(text[size])) ++size;
    std::string_view number = text.substr(0, size);
    text.remove_prefix(size);
    while (number.size() > 1 && number[0] == '0') number.remove_prefix(1);
    return number;
  };
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view x = take_number(a), y = take_number(b);
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
      if (const int order = x.compare(y)) return order;
    } else {
      if (a[0] != b[0]) return a[0] < b[0] ? -1 : 1;
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

// One PATH: expected pair, with the actual value.
struct Match {
  std::string path;
  Value value;
  Position where;

  [[noreturn]] void mistake(std::string message) const {
    throw InterpolationError{{where, std::move(message), "", {}, {}}};
  }

  Verdict verdict(bool matches, const std::string& wanted) const {
    if (matches) return {};
    return {false, fmt::format("{} is {}, expected {}", path, shown(value), wanted)};
  }

  static std::string shown(const Value& v) { return holds_secret(v) ? "***" : v.to_text(); }

  Verdict equal(const Value& wanted) const {
    if (value == wanted) return {};
    // 12 and "12" would read the same.
    const std::string text = shown(wanted);
    if (text == value.to_text() && !holds_secret(value))
      return {false, fmt::format("{} is {}, expected {}", path, to_json(value), to_json(wanted))};
    return verdict(false, text);
  }

  bool is_among(const Value::Array& list) const {
    return std::find(list.begin(), list.end(), value) != list.end();
  }

  Verdict one_of(const Value::Array& list) const {
    if (list.size() == 1) return equal(list[0]);
    return verdict(is_among(list), listed(list));
  }

  Verdict none_of(const Value& unwanted) const {
    if (!unwanted.is_array()) return verdict(!(value == unwanted), "anything else");
    return verdict(!is_among(unwanted.as_array()), "none of " + listed(unwanted.as_array()));
  }

  Verdict ordered(const std::string& op, const Value& limit) const {
    int order = 0;
    if (value.is_number() && limit.is_number()) {
      if (value.is_integer() && limit.is_integer())
        order = value.as_integer() < limit.as_integer() ? -1 : value.as_integer() > limit.as_integer();
      else
        order = value.as_number() < limit.as_number() ? -1 : value.as_number() > limit.as_number();
    } else if (value.is_string() && (limit.is_string() || limit.is_number())) {
      order = compare_versions(value.as_string(), limit.to_text());
    } else {
      mistake(fmt::format("{} is {}, which `{}` cannot compare with {}", path, value.kind_name(), op,
                          limit.kind_name()));
    }
    return op == "below" ? verdict(order < 0, "below " + shown(limit))
                         : verdict(order >= 0, "at least " + shown(limit));
  }

  Verdict matching(const Value& pattern) const {
    if (!value.is_string() || value.as_string().size() > longest_searched)
      mistake(fmt::format("{} is {}, `matches` needs a text of at most {} bytes", path, value.kind_name(),
                          longest_searched));
    if (!pattern.is_string())
      mistake(fmt::format("`matches` wants a regular expression, found {}", pattern.kind_name()));
    try {
      return verdict(RegularExpression(pattern.as_string()).is_found_in(value.as_string()),
                     "a match of " + cut(shown(pattern), longest_shown));
    } catch (const Error& e) {
      throw InterpolationError{no_expression(pattern, e, where)};
    }
  }

  static std::string listed(const Value::Array& list) {
    std::string text;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) text += i + 1 == list.size() ? " or " : ", ";
      text += shown(list[i]);
    }
    return text;
  }
};

Verdict existence(const std::string& path, bool is_there, bool wanted) {
  if (is_there == wanted) return {};
  if (path == "hosts" && !is_there) return {false, "no other machine takes part (--host names one)"};
  return {false, path + (is_there ? " exists" : " does not exist")};
}

bool exists(const std::vector<std::string>& path, const Scope& scope) {
  try {
    return scope.has(path);
  } catch (const SkippedReference&) {
    return false;
  }
}

// The operators except exists.
Verdict apply(const Value::Member& op, const Match& match) {
  if (op.key == "not") return match.none_of(op.value);
  if (op.key == "matches") return match.matching(op.value);
  if (op.key == "at_least" || op.key == "below") return match.ordered(op.key, op.value);
  throw InterpolationError{{op.key_where, fmt::format("unknown operator `{}`", op.key), "", {}, {}}};
}

Verdict evaluate_member(const Value::Member& member, const Scope& scope) {
  const std::vector<std::string> path = parse_path(member.key).path;
  const Value wanted = interpolate(member.value, scope);
  const bool has_operators = member.value.is_object();
  if (has_operators) {
    if (const Value* wants = wanted.find("exists"); wants && wants->is_bool()) {
      const bool is_there = exists(path, scope);
      const Verdict verdict = existence(member.key, is_there, wants->as_bool());
      const bool asks_no_more = wanted.as_object().size() == 1;
      if (!verdict.matches || !is_there || asks_no_more) return verdict;
    }
  }
  auto value = scope.lookup(path);
  if (!value) throw InterpolationError{unknown_name(path, member.key_where, scope)};
  const Match match{member.key, *std::move(value), member.key_where};
  if (!has_operators) return wanted.is_array() ? match.one_of(wanted.as_array()) : match.equal(wanted);
  for (const Value::Member& op : wanted.as_object()) {
    if (op.key == "exists") continue;
    if (const Verdict verdict = apply(op, match); !verdict.matches) return verdict;
  }
  return {};
}

Verdict evaluate_well_formed(const Value& when, const Scope& scope);

Verdict evaluate_group(const Value::Member& member, const Scope& scope) {
  std::string reasons;
  for (const Value& condition : member.value.as_array()) {
    const Verdict verdict = evaluate_well_formed(condition, scope);
    if (member.key == "all" && !verdict.matches) return verdict;
    if (member.key == "any" && verdict.matches) return {};
    if (member.key == "none" && verdict.matches)
      return {false, "a condition of `none` matches: " + to_json(condition)};
    reasons += (reasons.empty() ? "" : "; ") + verdict.reason;
  }
  if (member.key == "any") return {false, reasons};
  return {};
}

Verdict evaluate_well_formed(const Value& when, const Scope& scope) {
  for (const Value::Member& member : when.as_object()) {
    const Verdict verdict =
        is_group(member.key) ? evaluate_group(member, scope) : evaluate_member(member, scope);
    if (!verdict.matches) return verdict;
  }
  return {};
}

}  // namespace

void check_condition(const Value& when, Diagnostics& diagnostics) {
  if (!when.is_object()) {
    diagnostics.add(when.where, fmt::format("a condition is an object, found {}", when.kind_name()),
                    R"(write {"facts.os.id": "debian"})");
    return;
  }
  for (const Value::Member& member : when.as_object()) check_member(member, diagnostics);
}

std::vector<Reference> condition_references(const Value& when, Diagnostics& diagnostics) {
  std::vector<Reference> list;
  Locator locator;
  collect_from_condition(when, list, diagnostics, locator);
  return list;
}

Verdict evaluate(const Value& when, const Scope& scope) {
  Diagnostics mistakes;
  check_condition(when, mistakes);
  if (!mistakes.empty()) throw InterpolationError{mistakes.list().front()};
  return evaluate_well_formed(when, scope);
}

}  // namespace mlops
