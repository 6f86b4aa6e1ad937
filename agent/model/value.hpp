// The JSON-like value that represents everything in a playbook, with the position where it was written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mlops {

// A text that values were read from: a playbook, a --vars file, or a command-line argument. Values point into
// it, so it must outlive them; a Playbook owns its sources.
struct Source {
  std::string name;  // as shown to people: the path as given, "--set", …
  std::string text;
};

// Where something was written. Lines and columns count from 1, columns in code points. source is null for
// values that were not written anywhere (facts, outputs).
struct Position {
  const Source* source = nullptr;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

// null, bool, integer, number, text, list or object. Objects keep the order of their members; keys are unique.
// Equality compares the data and ignores positions; an integer equals a number of the same value.
class Value {
 public:
  struct Member;
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;

  Value() = default;
  Value(bool b);
  Value(std::int64_t i);
  Value(int i);
  Value(std::uint64_t i);
  Value(double d);
  Value(std::string s);
  Value(std::string_view s);
  Value(const char* s);
  Value(Array a);
  Value(Object o);
  template <class T>
  Value(T*) = delete;  // a pointer must not become a bool

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_number() const { return is_integer() || std::holds_alternative<double>(data_); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  bool is_array() const { return std::holds_alternative<Array>(data_); }
  bool is_object() const { return std::holds_alternative<Object>(data_); }

  // Precondition for each: the value is of that type (std::bad_variant_access otherwise).
  bool as_bool() const { return std::get<bool>(data_); }
  std::int64_t as_integer() const { return std::get<std::int64_t>(data_); }
  double as_number() const;
  const std::string& as_string() const { return std::get<std::string>(data_); }
  std::string& as_string() { return std::get<std::string>(data_); }
  const Array& as_array() const { return std::get<Array>(data_); }
  Array& as_array() { return std::get<Array>(data_); }
  const Object& as_object() const { return std::get<Object>(data_); }
  Object& as_object() { return std::get<Object>(data_); }

  // The member of that name, or null if this is not an object or has none.
  const Value* find(std::string_view key) const;
  // Adds the member or replaces its value. Precondition: an object, or null (which becomes one).
  Value& set(std::string key, Value value);

  // "null", "true or false", "an integer", "a number", "a text", "a list", "an object": for messages.
  std::string_view kind_name() const;

  // What {{ }} inserts into a longer text: texts unchanged, everything else as compact JSON.
  std::string to_text() const;

  Position where;
  // It must not be shown: *** replaces it. A text that it is filled into is secret too; a list or an object
  // that contains it is not. Not part of its data: equality ignores it.
  bool secret = false;

 private:
  friend bool operator==(const Value&, const Value&);
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Value::Member {
  std::string key;
  Position key_where;
  Value value;
  Member(std::string k, Value v) : key(std::move(k)), value(std::move(v)) {}
  Member(std::string k, Position w, Value v) : key(std::move(k)), key_where(w), value(std::move(v)) {}
};

// Defined here, where Member is complete, as an object's destructor is part of each.
inline Value::Value(bool b) : data_(b) {}
inline Value::Value(std::int64_t i) : data_(i) {}
inline Value::Value(int i) : data_(std::int64_t{i}) {}
inline Value::Value(std::uint64_t i) : data_(static_cast<std::int64_t>(i)) {}
inline Value::Value(double d) : data_(d) {}
inline Value::Value(std::string s) : data_(std::move(s)) {}
inline Value::Value(std::string_view s) : data_(std::string(s)) {}
inline Value::Value(const char* s) : data_(std::string(s)) {}
inline Value::Value(Array a) : data_(std::move(a)) {}
inline Value::Value(Object o) : data_(std::move(o)) {}

bool operator==(const Value& a, const Value& b);

// Whether it, or anything in it, is secret.
bool holds_secret(const Value& value);

// JSON as in RFC 8259. indent < 0 is one line without spaces. Invalid UTF-8 bytes become U+FFFD.
std::string to_json(const Value& value, int indent = -1);
// The text as a JSON string literal, with its quotes.
std::string json_quote(std::string_view text);

}  // namespace mlops
