// Runs work for several hosts in parallel.
#pragma once

#include <cstddef>
#include <functional>

namespace mlops {

// Calls work with 0 … count - 1, on up to `most` threads; on the calling thread if that is one. work must not
// throw.
void parallel_for(std::size_t count, std::size_t most, const std::function<void(std::size_t)>& work);

}  // namespace mlops
