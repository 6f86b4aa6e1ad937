// Where a host is that earlier plays of the run bring into being.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/host_values.hpp"
#include "facts/facts.hpp"
#include "model/event.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

// The outcomes of the resources on local so far, by label.
using OutcomesByLabel = std::map<std::string, Outcome>;

struct AwaitedPlace {
  enum class State { known, waits, failed, skipped } state = State::known;
  std::vector<std::string> names;  // if it is known; usually one
  std::string cause;               // the label that it waits for, that failed, or that was skipped
  // If it is known: the label of a pending resource without which it may not be reached; "" if there is none.
  std::string may_wait_for;
};

// local: the values of the controller. InterpolationError if what the playbook refers to is not there, or is no
// name of a host.
AwaitedPlace place_of(const AwaitedHost& host, const Playbook& playbook, const Facts& facts,
                      const HostValues& local, const OutcomesByLabel& outcomes);

}  // namespace mlops
