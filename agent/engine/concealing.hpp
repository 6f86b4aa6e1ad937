// Keeping secrets, and the passwords of URLs, out of what a run tells and writes down.
#pragma once

#include "model/diagnostic.hpp"
#include "model/event.hpp"
#include "playbook/secrets.hpp"
#include "resource/module.hpp"

namespace mlops {

// Passes events on with *** in the place of secrets that have been read, and of passwords in URLs. The secrets must
// outlive it.
EventSink concealing(const Secrets& secrets, EventSink sink);

void conceal(const Secrets& secrets, Diff& diff);
void conceal(const Secrets& secrets, Diagnostics& mistakes);
// Texts of outputs in which a secret shows are secret too.
void mark_secrets(const Secrets& secrets, Outputs& outputs);

}  // namespace mlops
