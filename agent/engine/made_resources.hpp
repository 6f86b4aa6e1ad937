// What a run created or found converged, for the ledger.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/instance.hpp"
#include "engine/pass_result.hpp"
#include "engine/recheck.hpp"
#include "engine/run_values.hpp"

namespace mlops {

// The part of one converged resource in PassResult::digest, which is the sum of all: it does not depend on the
// order. Not cryptographic: no protection against deliberate collisions.
std::uint64_t digest_of(const Instance& instance);

// The records that are converged, filled in again; those that refer to something that is gone are left out.
// acted: see RunOptions.
std::vector<MadeResource> made_resources(std::span<const ResourceRecord> records, RunValues& values,
                                         Outcome acted);

}  // namespace mlops
