// The domain of network, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/network/queries.hpp"
#include "domains/network/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

struct NetworkReplaced {  // nothing is done to the network
  static constexpr auto fields() { return std::tuple(); }
  friend bool operator==(const NetworkReplaced&, const NetworkReplaced&) = default;
};

struct NetworkLocal;  // domains/network/local.hpp

struct NetworkDomain {
  using Reader = NetworkReader;
  using Actions = TypeList<>;
  using Queries = NetworkQueries;
  using Replaced = NetworkReplaced;
  template <class Asker>
  using Asked = AskedNetwork<Asker>;
  using Local = NetworkLocal;
};

// It has no objects of its own that actions leave behind.
inline std::optional<std::string> fingerprint(NetworkDomain, const std::string&, const std::string&,
                                              const MachineReader&) {
  return std::nullopt;
}

// Records the result of a read, as far as it is not volatile.
void note(const ReadListenerAt&, const ReadListenerAt::Result&, Preconditions&);
void note(const AskHttp&, const AskHttp::Result&, Preconditions&);

// The result of a read after the simulated actions.
ReadListenerAt::Result simulated(const ReadListenerAt&, Simulation&);
AskHttp::Result simulated(const AskHttp&, Simulation&);

}  // namespace mlops
