// What an action replaces: enough to revert it.
#pragma once

#include <type_traits>
#include <utility>

#include "base/fields.hpp"
#include "domains/domains.hpp"

namespace mlops {

namespace detail {
template <class List>
struct ReplacedByAll;
// The bases are those of all domains, in order: their fields are stored side by side.
template <class... Domain>
struct ReplacedByAll<TypeList<Domain...>> : Domain::Replaced... {
  static constexpr auto fields() { return std::tuple_cat(Domain::Replaced::fields()...); }
  friend bool operator==(const ReplacedByAll&, const ReplacedByAll&) = default;
};
}  // namespace detail

// Only the fields of the action's domain are filled in. Absent and empty: nothing existed.
struct Before : detail::ReplacedByAll<Domains> {
  Before() = default;
  // With the fields of one domain.
  template <class Part>
  requires(std::is_base_of_v<Part, detail::ReplacedByAll<Domains>>)
      Before(Part part) {  // NOLINT(google-explicit-constructor): a part is what a Before holds
    static_cast<Part&>(*this) = std::move(part);
  }
  friend bool operator==(const Before&, const Before&) = default;
};

}  // namespace mlops
