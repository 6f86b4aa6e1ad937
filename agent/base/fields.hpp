// The fields of a plain struct, listed once by the struct itself. What goes over all of them (the wire format,
// the journal's JSON) is derived from that list:
//
//   struct RenamePath {
//     std::string from, to;
//     static constexpr auto fields() {
//       return std::tuple(field("from", &RenamePath::from), field("to", &RenamePath::to));
//     }
//   };
//
// Names are part of the formats on disk: add to them, but never change one.
#pragma once

#include <tuple>
#include <utility>

namespace mlops {

// How the journal records a field.
enum class Recorded {
  as_is,
  without_passwords,  // text, or a list of it: passwords of URLs are masked
  never,              // large, possibly secret, or of no use after the action
};

template <class Struct, class T>
struct Field {
  const char* name;
  T Struct::*member;
  Recorded recorded;
};

template <class Struct, class T>
constexpr Field<Struct, T> field(const char* name, T Struct::*member) {
  return {name, member, Recorded::as_is};
}
template <class Struct, class T>
constexpr Field<Struct, T> without_passwords(const char* name, T Struct::*member) {
  return {name, member, Recorded::without_passwords};
}
template <class Struct, class T>
constexpr Field<Struct, T> unrecorded(const char* name, T Struct::*member) {
  return {name, member, Recorded::never};
}

template <class T>
concept Listed = requires {
  T::fields();
};

// Calls visit(field, member) for each field, in order. object may be const.
template <class T, class Visit>
void for_each_field(T& object, Visit&& visit) {
  std::apply([&](const auto&... field) { (visit(field, object.*field.member), ...); },
             std::remove_const_t<T>::fields());
}

template <Listed T>
constexpr std::size_t field_count = std::tuple_size_v<decltype(T::fields())>;

// ---- enumerators ----
// An enum that is recorded has a function beside it, found by argument-dependent lookup:
//   constexpr auto enumerators(Verb) { return std::array{"start", "stop"}; }

}  // namespace mlops
