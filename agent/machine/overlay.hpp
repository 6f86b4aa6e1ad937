// The what-if host: reads fall through to the real one, performed actions change only the overlay.
#pragma once

#include <memory>

#include "machine/host.hpp"

namespace mlops {

// What a program will do that runs here only in thought (a package's scripts, an installer, a command) is not
// guessed: readers throw Unknown, or what is absent counts as doubtful (Host::doubts). real must outlive it.
std::unique_ptr<Host> make_overlay_host(Host& real, const Identity& caller);

}  // namespace mlops
