// Lists of types, for what is derived from the list of domains.
#pragma once

#include <concepts>
#include <variant>

namespace mlops {

template <class... T>
struct TypeList {
  using Variant = std::variant<T...>;
};

namespace detail {
template <class... Lists>
struct Joined;
template <>
struct Joined<> {
  using type = TypeList<>;
};
template <class... T>
struct Joined<TypeList<T...>> {
  using type = TypeList<T...>;
};
template <class... T, class... U, class... More>
struct Joined<TypeList<T...>, TypeList<U...>, More...> : Joined<TypeList<T..., U...>, More...> {};

template <class T, class List>
inline constexpr bool is_in = false;
template <class T, class... Ts>
inline constexpr bool is_in<T, TypeList<Ts...>> = (std::same_as<T, Ts> || ...);
}  // namespace detail

// One list of all their types, in order.
template <class... Lists>
using Joined = typename detail::Joined<Lists...>::type;

// A type of the list.
template <class T, class List>
concept OneOf = detail::is_in<T, List>;

}  // namespace mlops
