// The parameter types, except those that read files.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/suggest.hpp"
#include "resource/locator.hpp"
#include "resource/schema.hpp"

namespace mlops {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 5> time_units = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 10> size_units = {{{"TiB", 1ull << 40},
                                              {"GiB", 1ull << 30},
                                              {"MiB", 1ull << 20},
                                              {"KiB", 1ull << 10},
                                              {"TB", 1'000'000'000'000},
                                              {"GB", 1'000'000'000},
                                              {"MB", 1'000'000},
                                              {"kB", 1000},
                                              {"B", 1},
                                              {"", 1}}};

Value schema_of(const char* type) {
  Value v;
  v.set("type", type);
  return v;
}

Value text_schema(const char* pattern) {
  Value v = schema_of("string");
  v.set("pattern", pattern);
  return v;
}

// Whole numbers, also when written as 8e9; absent for everything else.
std::optional<std::int64_t> whole(const Value& v) {
  if (v.is_integer()) return v.as_integer();
  constexpr double exact = 9007199254740992;  // 2^53: every whole number up to it is a double
  if (!v.is_number() || std::fabs(v.as_number()) > exact || v.as_number() != std::floor(v.as_number()))
    return {};
  return static_cast<std::int64_t>(v.as_number());
}

// The error for a number with a unit.
enum class Quantity { good, malformed, too_large };

template <std::size_t N>
Quantity read_quantity(std::string_view text, const std::array<Unit, N>& units, std::uint64_t& into) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc::result_out_of_range) return Quantity::too_large;
  if (error != std::errc()) return Quantity::malformed;
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == suffix; });
  if (unit == units.end()) return Quantity::malformed;
  if (n > std::numeric_limits<std::uint64_t>::max() / unit->factor) return Quantity::too_large;
  into = n * unit->factor;
  return Quantity::good;
}

template <std::size_t N>
std::string with_unit(std::uint64_t amount, const std::array<Unit, N>& units) {
  for (const Unit& u : units)
    if (amount >= u.factor && amount % u.factor == 0) return fmt::format("{}{}", amount / u.factor, u.name);
  return {};
}

std::string quoted_hint(const Value& v, const Decoder& d) {
  const bool plain = v.is_bool() || v.is_number();
  return plain && !d.sensitive ? fmt::format("write \"{}\"", v.to_text()) : "";
}

// A plain value that was filled in for a text such as "{{item}}", and keeps its type.
bool is_filled_in(const Value& v) { return (v.is_number() || v.is_bool()) && Locator().is_text(v.where); }

bool decode_texts(const Value& list, std::vector<std::string>& into, Decoder& d) {
  return Codec<std::vector<std::string>>::decode(list, into, d);
}

}  // namespace

// ---- true or false ------------------------------------------------------------------------------------------

bool Codec<bool>::decode(const Value& v, bool& into, Decoder& d) {
  if (v.is_bool()) {
    into = v.as_bool();
    return true;
  }
  std::string hint;
  if (v == Value("true") || v == Value("yes") || v == Value("on") || v == Value(1)) hint = "write true";
  if (v == Value("false") || v == Value("no") || v == Value("off") || v == Value(0)) hint = "write false";
  if (v.is_string() && !hint.empty()) hint += ", without quotes";
  return d.must_be(v, "true or false", hint);
}
std::string Codec<bool>::type_text() { return "true or false"; }
Value Codec<bool>::json_schema() { return schema_of("boolean"); }
Value Codec<bool>::to_value(const bool& b) { return b; }

// ---- texts --------------------------------------------------------------------------------------------------

bool Codec<std::string>::decode(const Value& v, std::string& into, Decoder& d) {
  if (is_filled_in(v)) {
    into = v.to_text();
    return true;
  }
  if (!v.is_string()) return d.must_be(v, "a text", quoted_hint(v, d));
  into = v.as_string();
  return true;
}
std::string Codec<std::string>::type_text() { return "text"; }
Value Codec<std::string>::json_schema() { return schema_of("string"); }
Value Codec<std::string>::to_value(const std::string& s) { return s.empty() ? Value() : Value(s); }

bool Codec<Texts>::decode(const Value& v, Texts& into, Decoder& d) {
  if (v.is_string() || is_filled_in(v)) {
    into.list.push_back(v.to_text());
    return true;
  }
  if (!v.is_array()) return d.must_be(v, "a text or a list of texts", quoted_hint(v, d));
  return decode_texts(v, into.list, d);
}
std::string Codec<Texts>::type_text() { return "text or list of texts"; }
Value Codec<Texts>::json_schema() {
  Value v;
  v.set("anyOf", Value::Array{schema_of("string"), Codec<std::vector<std::string>>::json_schema()});
  return v;
}
Value Codec<Texts>::to_value(const Texts& t) {
  return t.list.empty() ? Value() : Codec<std::vector<std::string>>::to_value(t.list);
}

bool Codec<TextMap>::decode(const Value& v, TextMap& into, Decoder& d) {
  if (!v.is_object()) return d.must_be(v, "an object of texts");
  bool good = true;
  d.item = true;
  for (const Value::Member& m : v.as_object()) good &= Codec<std::string>::decode(m.value, into[m.key], d);
  d.item = false;
  return good;
}
std::string Codec<TextMap>::type_text() { return "object of texts"; }
Value Codec<TextMap>::json_schema() {
  Value v = schema_of("object");
  v.set("additionalProperties", schema_of("string"));
  return v;
}
Value Codec<TextMap>::to_value(const TextMap& map) {
  if (map.empty()) return {};
  Value v;
  for (const auto& [key, text] : map) v.set(key, text);
  return v;
}

// ---- numbers ------------------------------------------------------------------------------------------------

bool Codec<std::int64_t>::decode(const Value& v, std::int64_t& into, Decoder& d) {
  const auto n = whole(v);
  if (!n) return d.must_be(v, "an integer", v.is_string() && !d.sensitive ? "write it without quotes" : "");
  into = *n;
  return true;
}
std::string Codec<std::int64_t>::type_text() { return "integer"; }
Value Codec<std::int64_t>::json_schema() { return schema_of("integer"); }
Value Codec<std::int64_t>::to_value(const std::int64_t& i) { return i; }

bool Codec<std::uint32_t>::decode(const Value& v, std::uint32_t& into, Decoder& d) {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  const auto n = whole(v);
  if (!n) return d.must_be(v, "an integer", v.is_string() && !d.sensitive ? "write it without quotes" : "");
  if (*n < 0 || *n > most) return d.must_be(v, fmt::format("an integer from 0 to {}", most));
  into = static_cast<std::uint32_t>(*n);
  return true;
}
std::string Codec<std::uint32_t>::type_text() { return "integer"; }
Value Codec<std::uint32_t>::json_schema() {
  Value v = schema_of("integer");
  v.set("minimum", 0);
  v.set("maximum", std::int64_t{std::numeric_limits<std::uint32_t>::max()});
  return v;
}
Value Codec<std::uint32_t>::to_value(const std::uint32_t& i) { return std::int64_t{i}; }

// ---- modes --------------------------------------------------------------------------------------------------

bool Codec<Mode>::decode(const Value& v, Mode& into, Decoder& d) {
  if (!v.is_string()) {
    const std::string digits = v.is_integer() ? v.to_text() : "";
    const bool octal = digits.size() == 3 && digits.find_first_not_of("01234567") == digits.npos;
    return d.must_be(v, "a text such as \"0644\"", octal ? fmt::format("write \"0{}\"", digits) : "");
  }
  const std::string& text = v.as_string();
  const bool good = (text.size() == 3 || text.size() == 4) && text.find_first_not_of("01234567") == text.npos;
  if (!good) return d.must_be(v, "three or four octal digits such as \"0644\"");
  std::from_chars(text.data(), text.data() + text.size(), into.bits, 8);
  return true;
}
std::string Codec<Mode>::type_text() { return "mode"; }
Value Codec<Mode>::json_schema() { return text_schema("^[0-7]{3,4}$"); }
Value Codec<Mode>::to_value(const Mode& m) { return fmt::format("{:04o}", m.bits); }

// ---- time and size ------------------------------------------------------------------------------------------

bool Codec<Duration>::decode(const Value& v, Duration& into, Decoder& d) {
  constexpr std::string_view wanted = "a time such as \"10s\" (ms, s, m, h, d)";
  if (!v.is_string())
    return d.must_be(v, wanted,
                     v.is_integer() && v.as_integer() >= 0 ? fmt::format("write \"{}s\"", v.to_text()) : "");
  switch (read_quantity(v.as_string(), time_units, into.ms)) {
    case Quantity::good:
      return true;
    case Quantity::malformed:
      return d.must_be(v, wanted);
    case Quantity::too_large:
      return d.must_be(v, "a shorter time");
  }
  return false;
}
std::string Codec<Duration>::type_text() { return "time"; }
Value Codec<Duration>::json_schema() { return text_schema("^[0-9]+(ms|s|m|h|d)$"); }
Value Codec<Duration>::to_value(const Duration& t) { return t.ms == 0 ? "0s" : with_unit(t.ms, time_units); }

bool Codec<ByteSize>::decode(const Value& v, ByteSize& into, Decoder& d) {
  constexpr std::string_view wanted = "a size such as \"64MiB\" or a number of bytes";
  if (const auto n = whole(v); n && *n >= 0) {
    into.bytes = static_cast<std::uint64_t>(*n);
    return true;
  }
  if (!v.is_string()) return d.must_be(v, wanted);
  switch (read_quantity(v.as_string(), size_units, into.bytes)) {
    case Quantity::good:
      return true;
    case Quantity::malformed:
      return d.must_be(v, wanted, "the units are B, kB, MB, GB, TB, KiB, MiB, GiB and TiB");
    case Quantity::too_large:
      return d.must_be(v, "a smaller size");
  }
  return false;
}
std::string Codec<ByteSize>::type_text() { return "size"; }
Value Codec<ByteSize>::json_schema() {
  Value bytes = schema_of("integer");
  bytes.set("minimum", 0);
  Value v;
  v.set("anyOf", Value::Array{bytes, text_schema("^[0-9]+([kMGT]?B|[KMGT]iB)?$")});
  return v;
}
Value Codec<ByteSize>::to_value(const ByteSize& s) {
  return s.bytes == 0 ? Value(0) : Value(with_unit(s.bytes, size_units));
}

}  // namespace mlops
