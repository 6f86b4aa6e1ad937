#include "state/journal_json.hpp"

#include <map>
#include <type_traits>

#include "base/url_password.hpp"
#include "state/json_value.hpp"

namespace mlops {
namespace {

// Fields with their default value are omitted: most have it.

// Passwords of URLs are masked: commands and downloads are stored for display, never to be repeated, so a
// password need not be on the disk.
enum class Passwords { kept, masked };

template <class T>
Value put(const T& item, Passwords passwords = Passwords::kept);

Value put(const std::string& text, Passwords passwords = Passwords::kept) {
  return kept_text(passwords == Passwords::masked ? without_url_passwords(text) : text);
}
template <class T>
Value put(const std::vector<T>& list, Passwords passwords = Passwords::kept) {
  Value::Array items;
  for (const T& item : list) items.push_back(put(item, passwords));
  return Value(std::move(items));
}
Value put(const std::map<std::string, std::string>& map, Passwords /*unused*/ = Passwords::kept) {
  Value v{Value::Object{}};
  for (const auto& [key, text] : map) v.set(key, kept_text(text));
  return v;
}

template <class T>
bool is_default(const T& member) {
  return member == T();
}

struct Putter {
  Value into{Value::Object{}};
  template <class S, class T>
  void operator()(const Field<S, T>& field, const T& member) {
    if (field.recorded == Recorded::never || is_default(member)) return;
    const auto passwords = field.recorded == Recorded::without_passwords ? Passwords::masked : Passwords::kept;
    into.set(field.name, put(member, passwords));
  }
  // Empty differs from absent.
  template <class S, class T>
  void operator()(const Field<S, std::optional<T>>& field, const std::optional<T>& member) {
    if (member && field.recorded != Recorded::never) into.set(field.name, put(*member));
  }
};

template <class T>
Value put(const T& item, Passwords /*unused*/) {
  if constexpr (std::is_enum_v<T>) {
    return Value(enumerators(item)[static_cast<std::size_t>(item)]);
  } else if constexpr (std::is_same_v<T, bool>) {
    return Value(item);
  } else if constexpr (std::is_integral_v<T>) {
    return Value(static_cast<std::int64_t>(item));
  } else {
    Putter putter;
    for_each_field(item, putter);
    return std::move(putter.into);
  }
}

void get(const Value& v, std::string& into) { into = text_of(&v); }
void get(const Value& v, bool& into) { into = v.is_bool() && v.as_bool(); }
template <class T>
void get(const Value& v, T& into);
template <class T>
void get(const Value& v, std::vector<T>& into);
void get(const Value& v, std::map<std::string, std::string>& into);
template <class T>
void get(const Value& v, std::optional<T>& into) {
  get(v, into.emplace());
}
template <class T>
void get(const Value& v, std::vector<T>& into) {
  if (!v.is_array()) return;
  for (const Value& item : v.as_array()) get(item, into.emplace_back());
}
void get(const Value& v, std::map<std::string, std::string>& into) {
  if (!v.is_object()) return;
  for (const auto& member : v.as_object()) into[member.key] = text_of(&member.value);
}

struct Getter {
  const Value& from;
  template <class S, class T>
  void operator()(const Field<S, T>& field, T& member) const {
    if (field.recorded == Recorded::never) return;
    if (const Value* found = from.find(field.name)) get(*found, member);
  }
};

template <class T>
void get(const Value& v, T& into) {
  if constexpr (std::is_enum_v<T>) {
    constexpr auto words = enumerators(T());
    for (std::size_t i = 0; i < words.size(); ++i)
      if (v.is_string() && v.as_string() == words[i]) into = static_cast<T>(i);
  } else if constexpr (std::is_integral_v<T>) {
    if (v.is_integer()) into = static_cast<T>(v.as_integer());
  } else {
    for_each_field(into, Getter{v});
  }
}

template <class... As>
std::optional<Action> action_named(const std::string& name, const Value& with, TypeList<As...>) {
  std::optional<Action> found;
  const auto matches = [&]<class A>(A action) {
    if (name != A::traits.name) return;
    get(with, action);
    found = std::move(action);
  };
  (matches(As{}), ...);
  return found;
}

}  // namespace

Value to_kept(const Action& action) {
  return std::visit(
      [](const auto& a) {
        Value v;
        v.set(a.traits.name, put(a));
        return v;
      },
      action);
}

std::optional<Action> kept_action(const Value& kept) {
  if (!kept.is_object() || kept.as_object().size() != 1) return std::nullopt;
  const auto& [key, where, value] = kept.as_object().front();
  return action_named(key, value, AllActions{});
}

Value to_kept(const Before& before) { return put(before); }

Before kept_before(const Value& kept) {
  Before before;
  get(kept, before);
  return before;
}

Value to_kept(const Change& change) {
  const bool secret = change.sensitive || holds_secret(change.before) || holds_secret(change.after);
  const auto shown = [&](const Value& v) { return secret && !v.is_null() ? Value("***") : v; };
  Value v;
  v.set("property", change.property);
  v.set("before", shown(change.before));
  v.set("after", shown(change.after));
  if (change.is_event()) v.set("event", true);
  if (change.kind == Change::Kind::unknown) v.set("unknown", true);
  if (secret) v.set("sensitive", true);
  if (!secret && !change.text_diff.empty()) v.set("text_diff", change.text_diff);
  return v;
}

Change kept_change(const Value& kept) {
  Change change;
  change.property = text_of(kept.find("property"));
  if (const Value* before = kept.find("before")) change.before = *before;
  if (const Value* after = kept.find("after")) change.after = *after;
  if (kept.find("event"))
    change.kind = Change::Kind::event;
  else if (kept.find("unknown"))
    change.kind = Change::Kind::unknown;
  else if (change.property == "exists")  // how creations and removals are stored
    change.kind = change.after == Value(true) ? Change::Kind::create : Change::Kind::remove;
  change.sensitive = kept.find("sensitive") != nullptr;
  change.text_diff = text_of(kept.find("text_diff"));
  return change;
}

}  // namespace mlops
