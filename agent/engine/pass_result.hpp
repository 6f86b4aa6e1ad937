// What one pass over the plays of a host came to.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/person.hpp"
#include "machine/journal.hpp"
#include "model/claim.hpp"
#include "model/diagnostic.hpp"
#include "model/event.hpp"
#include "model/value.hpp"

namespace mlops {

// A resource that was created or found converged.
struct MadeResource {
  std::string label, declared;  // declared: before values were filled in
  std::string_view type;
  Identity identity;
  LedgerEntry::Came came = LedgerEntry::Came::found;
  Claims claims;
  Value removal;  // see module.hpp
};

struct PassResult {
  std::array<std::uint64_t, outcome_count> counts{};
  bool interrupted = false;
  Diagnostics mistakes;  // found only after values were filled in: conflicts, wrong types, unknown names
  struct Pending {
    Identity identity;
    std::string label;
  };
  std::vector<Pending> pending;  // who has to act for what, in order
  // Over all created or converged resources: user, label and claims. Equal in two passes if all of these are.
  std::uint64_t digest = 0;
  std::vector<MadeResource> made;  // if it was requested

  std::uint64_t count(Outcome o) const { return counts[static_cast<std::size_t>(o)]; }
};

}  // namespace mlops
