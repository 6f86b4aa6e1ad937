// Every read of a machine as a value: the queries of all domains.
#pragma once

#include "domains/domains.hpp"

namespace mlops {

namespace detail {
template <class Query, class... Domain>
struct Asked;
template <class Query, class First, class... More>
struct Asked<Query, First, More...> : Asked<Query, More...> {};
template <class Query, class First, class... More>
requires OneOf<Query, typename First::Queries>
struct Asked<Query, First, More...> {
  using Domain = First;
};
template <class Query, class List>
struct AskedOf;
template <class Query, class... Domain>
struct AskedOf<Query, TypeList<Domain...>> : Asked<Query, Domain...> {};
}  // namespace detail

// The domain that a query belongs to.
template <OneOf<AllQueries> Query>
using DomainOf = typename detail::AskedOf<Query, Domains>::Domain;

// Asks the machine's reader.
template <OneOf<AllQueries> Query>
typename Query::Result answer(const Query& query, const MachineReader& machine) {
  return query.ask(machine.reader(DomainOf<Query>{}));
}

}  // namespace mlops
