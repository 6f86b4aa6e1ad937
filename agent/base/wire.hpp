// Serializes plain values between two processes of the same build: a helper with other privileges, or this
// program on a target. Structs are written field by field, so they need no code of their own.
//
// For the few files that implement a protocol: it includes Boost.PFR, which no other header of ours may.
#pragma once

#include <array>
#include <bit>
#include <boost/pfr.hpp>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/fields.hpp"

namespace mlops {

static_assert(std::endian::native == std::endian::little, "numbers go as they lie in memory");

struct WireWriter {
  std::string bytes;
  void raw(const void* data, std::size_t size) { bytes.append(static_cast<const char*>(data), size); }
};

// Malformed input ends in an Error. Memory is bounded by the number of bytes received, whatever sizes they
// announce: counts are checked against the minimum size of that many elements, and the memory for lists and
// maps against the input's size.
struct WireReader {
  // bytes that any message may take; plus, for each of its bytes
  static constexpr std::size_t spare = 16u << 20, worth = 8;
  std::string_view bytes;
  std::size_t room = spare + worth * bytes.size();  // bytes of memory
  int depth = 0;                                    // of values inside values
  void hold(std::size_t size) {
    if (size > room) throw Error("a message holds too much for its size");
    room -= size;
  }
  void raw(void* data, std::size_t size) {
    if (size > bytes.size()) throw Error("a message is cut short");
    std::memcpy(data, bytes.data(), size);
    bytes.remove_prefix(size);
  }
  std::size_t count(std::size_t least) {
    std::uint64_t n = 0;
    raw(&n, sizeof n);
    if (n > bytes.size() / (least ? least : 1)) throw Error("a message is cut short");
    return static_cast<std::size_t>(n);
  }
};

// put and get of one type; least: the fewest bytes that one takes.
template <class T>
struct Wire {  // plain structs, numbers and enums
  static constexpr bool plain = std::is_arithmetic_v<T> || std::is_enum_v<T>;
  static constexpr bool lists_all() {
    if constexpr (Listed<T>) return field_count<T> == boost::pfr::tuple_size_v<T>;
    return true;
  }
  static_assert(lists_all(), "fields() leaves out a field");
  template <std::size_t... I>
  static constexpr std::size_t sum(std::index_sequence<I...>) {
    return (std::size_t{0} + ... + Wire<boost::pfr::tuple_element_t<I, T>>::least());
  }
  static constexpr std::size_t least() {
    if constexpr (plain)
      return sizeof(T);
    else if constexpr (Listed<T>)
      return std::apply([](const auto&... field) { return (std::size_t{0} + ... + least_of(field)); },
                        T::fields());
    else
      return sum(std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  }
  template <class Struct, class Member>
  static constexpr std::size_t least_of(const Field<Struct, Member>&) {
    return Wire<Member>::least();
  }
  static void put(WireWriter& w, const T& v) {
    if constexpr (plain)
      w.raw(&v, sizeof v);
    else if constexpr (Listed<T>)
      for_each_field(v, [&]<class M>(const auto&, const M& member) { Wire<M>::put(w, member); });
    else
      boost::pfr::for_each_field(
          v, [&](const auto& field) { Wire<std::remove_cvref_t<decltype(field)>>::put(w, field); });
  }
  static void get(WireReader& r, T& v) {
    if constexpr (plain)
      r.raw(&v, sizeof v);
    else if constexpr (Listed<T>)
      for_each_field(v, [&]<class M>(const auto&, M& member) { Wire<M>::get(r, member); });
    else
      boost::pfr::for_each_field(
          v, [&](auto& field) { Wire<std::remove_cvref_t<decltype(field)>>::get(r, field); });
  }
};
template <>
struct Wire<bool> {
  static constexpr std::size_t least() { return 1; }
  static void put(WireWriter& w, bool v) { w.raw(&v, 1); }
  static void get(WireReader& r, bool& v) {
    unsigned char byte = 0;
    r.raw(&byte, 1);
    if (byte > 1) throw Error("a message holds what is no truth value");
    v = byte == 1;
  }
};
template <>
struct Wire<std::string> {
  static constexpr std::size_t least() { return 8; }
  static void put(WireWriter& w, const std::string& v) {
    Wire<std::uint64_t>::put(w, v.size());
    w.raw(v.data(), v.size());
  }
  static void get(WireReader& r, std::string& v) {
    v.resize(r.count(1));
    r.raw(v.data(), v.size());
  }
};
template <class T>
struct Wire<std::vector<T>> {
  static constexpr std::size_t least() { return 8; }
  static void put(WireWriter& w, const std::vector<T>& v) {
    Wire<std::uint64_t>::put(w, v.size());
    for (const T& item : v) Wire<T>::put(w, item);
  }
  static void get(WireReader& r, std::vector<T>& v) {
    const std::size_t n = r.count(Wire<T>::least());
    r.hold(n * sizeof(T));
    v.reserve(n);
    for (std::size_t i = 0; i < n; ++i) Wire<T>::get(r, v.emplace_back());
  }
};
template <class T, std::size_t N>
struct Wire<std::array<T, N>> {
  static constexpr std::size_t least() { return N * Wire<T>::least(); }
  static void put(WireWriter& w, const std::array<T, N>& v) {
    for (const T& item : v) Wire<T>::put(w, item);
  }
  static void get(WireReader& r, std::array<T, N>& v) {
    for (T& item : v) Wire<T>::get(r, item);
  }
};
template <class T>
struct Wire<std::optional<T>> {
  static constexpr std::size_t least() { return 1; }
  static void put(WireWriter& w, const std::optional<T>& v) {
    Wire<bool>::put(w, v.has_value());
    if (v) Wire<T>::put(w, *v);
  }
  static void get(WireReader& r, std::optional<T>& v) {
    bool has = false;
    Wire<bool>::get(r, has);
    if (has) Wire<T>::get(r, v.emplace());
  }
};
template <class K, class T>
struct Wire<std::map<K, T>> {
  static constexpr std::size_t node = 4 * sizeof(void*);  // overhead of the standard library
  static constexpr std::size_t least() { return 8; }
  static void put(WireWriter& w, const std::map<K, T>& v) {
    Wire<std::uint64_t>::put(w, v.size());
    for (const auto& [key, value] : v) {
      Wire<K>::put(w, key);
      Wire<T>::put(w, value);
    }
  }
  static void get(WireReader& r, std::map<K, T>& v) {
    const std::size_t n = r.count(Wire<K>::least() + Wire<T>::least());
    r.hold(n * (sizeof(K) + sizeof(T) + node));
    for (std::size_t i = 0; i < n; ++i) {
      K key;
      Wire<K>::get(r, key);
      Wire<T>::get(r, v[key]);
    }
  }
};
template <class... Ts>
struct Wire<std::variant<Ts...>> {
  static constexpr std::size_t least() { return 4; }
  static void put(WireWriter& w, const std::variant<Ts...>& v) {
    Wire<std::uint32_t>::put(w, static_cast<std::uint32_t>(v.index()));
    std::visit([&](const auto& held) { Wire<std::remove_cvref_t<decltype(held)>>::put(w, held); }, v);
  }
  static void get(WireReader& r, std::variant<Ts...>& v) {
    std::uint32_t index = 0;
    Wire<std::uint32_t>::get(r, index);
    std::uint32_t i = 0;
    const bool known = ((i++ == index ? (Wire<Ts>::get(r, v.template emplace<Ts>()), true) : false) || ...);
    if (!known) throw Error("a message is of an unknown kind");
  }
};
template <>
struct Wire<Error> {
  static void put(WireWriter& w, const Error& e) {
    Wire<ErrorKind>::put(w, e.kind());
    Wire<std::string>::put(w, e.message());
    Wire<std::vector<std::string>>::put(w, e.trace());
    Wire<std::string>::put(w, e.output());
  }
  static Error get(WireReader& r) {
    ErrorKind kind{};
    std::string message, output;
    std::vector<std::string> trace;
    Wire<ErrorKind>::get(r, kind);
    Wire<std::string>::get(r, message);
    Wire<std::vector<std::string>>::get(r, trace);
    Wire<std::string>::get(r, output);
    Error e(message, kind);
    for (std::string& doing : trace) e.while_doing(std::move(doing));
    e.with_output(std::move(output));
    return e;
  }
};
template <>
struct Wire<std::optional<Error>> {
  static constexpr std::size_t least() { return 1; }
  static void put(WireWriter& w, const std::optional<Error>& v) {
    Wire<bool>::put(w, v.has_value());
    if (v) Wire<Error>::put(w, *v);
  }
  static void get(WireReader& r, std::optional<Error>& v) {
    bool has = false;
    Wire<bool>::get(r, has);
    if (has) v = Wire<Error>::get(r);
  }
};
template <class T>
std::string to_wire(const T& value) {
  WireWriter w;
  Wire<T>::put(w, value);
  return std::move(w.bytes);
}
// Error if the bytes are not such a value, or are longer.
template <class T>
T from_wire(std::string_view bytes) {
  WireReader r{bytes};
  T value{};
  Wire<T>::get(r, value);
  if (!r.bytes.empty()) throw Error("a message is longer than what it holds");
  return value;
}

}  // namespace mlops
