// Records what is read of a machine, to check later whether it is unchanged.
#pragma once

#include <memory>

#include "domains/preconditions.hpp"
#include "machine/machine.hpp"

namespace mlops {

// Reads through to another reader, which must outlive it, as must preconditions. Reads that are Unknown are not
// recorded.
std::unique_ptr<MachineReader> make_read_recorder(const MachineReader& machine, Preconditions& preconditions);

}  // namespace mlops
