// What every part of a run works on.
#pragma once

#include "base/cancellation.hpp"
#include "engine/identity.hpp"
#include "engine/run_options.hpp"
#include "machine/host.hpp"
#include "model/event.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

// All references must outlive the run.
struct RunContext {
  const Playbook& playbook;
  Host& host;
  IdentityRules& identities;
  const Cancellation& cancellation;
  EventSink sink;  // masks secrets
  RunOptions options;
};

}  // namespace mlops
