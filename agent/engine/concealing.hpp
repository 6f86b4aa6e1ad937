// Masks secrets, and passwords in URLs, in events and records.
#pragma once

#include "model/diagnostic.hpp"
#include "model/event.hpp"
#include "playbook/secrets.hpp"
#include "resource/module.hpp"

namespace mlops {

// Forwards events, with *** in place of secrets that have been read and of passwords in URLs. The secrets must
// outlive it.
EventSink concealing(const Secrets& secrets, EventSink sink);

void conceal(const Secrets& secrets, Diff& diff);
void conceal(const Secrets& secrets, Diagnostics& mistakes);
// Marks outputs that contain a secret as secret too.
void mark_secrets(const Secrets& secrets, Outputs& outputs);

}  // namespace mlops
