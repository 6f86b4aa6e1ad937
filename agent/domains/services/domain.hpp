// The domain of services, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "domains/preconditions.hpp"
#include "domains/services/actions.hpp"
#include "domains/services/queries.hpp"
#include "domains/services/reader.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

struct ServicesReplaced {
  std::optional<bool> active, enabled;  // of the unit
  static constexpr auto fields() {
    return std::tuple(field("active", &ServicesReplaced::active), field("enabled", &ServicesReplaced::enabled));
  }
  friend bool operator==(const ServicesReplaced&, const ServicesReplaced&) = default;
};

struct ServicesLocal;  // domains/services/local.hpp

struct ServicesDomain {
  using Reader = ServiceReader;
  using Actions = ServiceActions;
  using Queries = ServiceQueries;
  using Replaced = ServicesReplaced;
  template <class Asker>
  using Asked = AskedServices<Asker>;
  using Local = ServicesLocal;
};

// The state of an object of one of its kinds, as one line; absent for other kinds.
std::optional<std::string> fingerprint(ServicesDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine);

// For undo; see domains/undo_parts.hpp.
void capture(const ChangeUnit&, CaptureBefore&, Before&);
Inverse invert(const ChangeUnit&, const Before&);
bool satisfied(const ChangeUnit&, const MachineReader&);
void touch(const ChangeUnit&, const Before&, Things&);
void add_leftovers(const OneOf<ServiceActions> auto&, LeftoverSearch&) {}
const std::string* target_path(const OneOf<ServiceActions> auto&) { return nullptr; }

// Records the result of a read, as far as it is not volatile.
void note(const ReadUnit&, const ReadUnit::Result&, Preconditions&);
inline void note(const ReadLog&, const ReadLog::Result&, Preconditions&) {}

// The result of a read after the simulated actions.
ReadUnit::Result simulated(const ReadUnit&, Simulation&);
ReadLog::Result simulated(const ReadLog&, Simulation&);

// Applies the action to the overlay, with the errors that the real machine would give.
void simulate(const ChangeUnit&, Simulation&);

}  // namespace mlops
