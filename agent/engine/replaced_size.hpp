// How large the files are that actions replace.
#pragma once

#include <cstdint>
#include <span>

#include "domains/action.hpp"
#include "domains/files/reader.hpp"

namespace mlops {

// Whether one of the actions replaces or removes more than this many bytes (of a folder, in its first 100,000
// entries), which are then not kept. False where they cannot be read: who cannot read them cannot replace them.
bool replaces_more_than(std::uint64_t limit, std::span<const Action> actions, const FileReader& files);

}  // namespace mlops
