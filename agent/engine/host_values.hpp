// What one host provides to the plays of others: its address, its facts, and its resources' outputs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/value.hpp"
#include "resource/module.hpp"

namespace mlops {

// The outputs of a resource, for {{resources.ID.…}}.
struct Given {
  enum class State { known, skipped, failed, unknown } state = State::known;
  std::string label;
  std::string cause;  // of failed: the root cause
  Outputs outputs;
};
// by id, then the key of a for_each ("")
using GivenById = std::map<std::string, std::map<std::string, Given>>;

struct HostValues {
  std::string name;           // as --host or `on` has it; "local" for the controller
  std::string address, user;  // the address and user of the connection; "" for local
  std::int64_t port = 0;
  Value facts;  // null when nobody requested them
  GivenById resources;
  bool lost = false;  // it could not begin, or failed on the way: what is not here was not learned of it
  // The label of the resource that it waits for, as the run has yet to bring it into being: nothing but its
  // resources, which are unknown, is known of it. "": it does not.
  std::string waits_for;
  bool is_named = true;  // false: the name is that of an AwaitedHost that is not known yet

  bool is_local() const { return name == "local"; }
};

}  // namespace mlops
