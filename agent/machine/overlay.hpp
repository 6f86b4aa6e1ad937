// The what-if host: reads fall through to the real one, performed actions change only the overlay.
#pragma once

#include <memory>
#include <span>

#include "machine/host.hpp"

namespace mlops {

// What a program will do that runs here only in thought (a package's scripts, an installer, a command) is not
// guessed: readers throw Unknown, or what is absent counts as doubtful (Host::doubts). What the kernel, or this
// program's own rules for paths, would refuse to who acts is an Error with the same words. person: for whom the
// run is. real must outlive it.
// Actions that are_foreseen are performed together or, when one of them fails, not at all.
std::unique_ptr<Host> make_overlay_host(Host& real, const Identity& caller, const std::string& person = "");

// Files and accounts alone: what the actions come to is known before. No such step is begun of which one is bound to fail.
bool are_foreseen(std::span<const Action> actions);

}  // namespace mlops
