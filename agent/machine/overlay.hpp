// The simulated host: reads fall through to the real one, performed actions change only the overlay.
#pragma once

#include <memory>
#include <span>

#include "machine/host.hpp"

namespace mlops {

// The effects of a program (a package's scripts, an installer, a command) are not guessed: readers throw
// Unknown, or what is absent counts as doubtful (Host::doubts). What the kernel, or this program's own rules
// for paths, would deny to the user is an Error with the same text. person: the person that the run is for.
// real must outlive it. Actions that are_foreseen are performed together or, if one of them fails, not at all.
std::unique_ptr<Host> make_overlay_host(Host& real, const Identity& caller, const std::string& person = "");

// Files and accounts only: the result of the actions is known in advance. Such a step is not begun if one of
// its actions is bound to fail.
bool are_foreseen(std::span<const Action> actions);

}  // namespace mlops
