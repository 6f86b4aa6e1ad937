// Serializes values between processes of this build.
#pragma once

#include "base/wire.hpp"
#include "model/value.hpp"

namespace mlops {

// Includes secrets, but not the positions where values were written: those point into texts of one process.
template <>
struct Wire<Value> {
  static constexpr int deepest = 256;
  enum class Kind : std::uint8_t { null, boolean, integer, number, text, list, object };
  static constexpr std::size_t least() { return 2; }
  static void put(WireWriter& w, const Value& v) {
    Wire<bool>::put(w, v.secret);
    if (v.is_null()) return Wire<Kind>::put(w, Kind::null);
    if (v.is_bool()) return Wire<Kind>::put(w, Kind::boolean), Wire<bool>::put(w, v.as_bool());
    if (v.is_integer()) return Wire<Kind>::put(w, Kind::integer), Wire<std::int64_t>::put(w, v.as_integer());
    if (v.is_number()) return Wire<Kind>::put(w, Kind::number), Wire<double>::put(w, v.as_number());
    if (v.is_string()) return Wire<Kind>::put(w, Kind::text), Wire<std::string>::put(w, v.as_string());
    if (v.is_array()) return Wire<Kind>::put(w, Kind::list), Wire<Value::Array>::put(w, v.as_array());
    Wire<Kind>::put(w, Kind::object);
    Wire<std::uint64_t>::put(w, v.as_object().size());
    for (const Value::Member& member : v.as_object()) {
      Wire<std::string>::put(w, member.key);
      put(w, member.value);
    }
  }
  static void get(WireReader& r, Value& v) {
    if (++r.depth > deepest) throw Error("a message holds values nested too deep");
    const bool secret = read<bool>(r);
    Kind kind{};
    Wire<Kind>::get(r, kind);
    switch (kind) {
      case Kind::null:
        v = Value();
        break;
      case Kind::boolean:
        v = read<bool>(r);
        break;
      case Kind::integer:
        v = read<std::int64_t>(r);
        break;
      case Kind::number:
        v = read<double>(r);
        break;
      case Kind::text:
        v = read<std::string>(r);
        break;
      case Kind::list:
        v = read<Value::Array>(r);
        break;
      case Kind::object: {
        Value::Object members;
        const std::size_t n = r.count(8 + least());
        r.hold(n * sizeof(Value::Member));
        members.reserve(n);
        for (std::size_t i = 0; i < n; ++i) {
          auto key = read<std::string>(r);
          Value value;
          get(r, value);
          members.emplace_back(std::move(key), std::move(value));
        }
        v = Value(std::move(members));
        break;
      }
      default:
        throw Error("a message holds a value of an unknown kind");
    }
    v.secret = secret;
    --r.depth;
  }

 private:
  template <class T>
  static T read(WireReader& r) {
    T t{};
    Wire<T>::get(r, t);
    return t;
  }
};

}  // namespace mlops
