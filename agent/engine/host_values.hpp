// What one host gives to the plays of others: where it is, its facts, and what its resources gave.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/value.hpp"
#include "resource/module.hpp"

namespace mlops {

// What a resource gave for {{resources.ID.…}}.
struct Given {
  enum class State { known, skipped, failed, unknown } state = State::known;
  std::string label;
  std::string cause;  // of failed: what failed first
  Outputs outputs;
};
using GivenById = std::map<std::string, std::map<std::string, Given>>;  // by id, then the key of a for_each ("")

struct HostValues {
  std::string name;           // as --host or `on` has it; "local" for where the command was typed
  std::string address, user;  // as reached; "" for local
  std::int64_t port = 0;
  Value facts;  // null where nobody asked for them
  GivenById resources;

  bool is_local() const { return name == "local"; }
};

}  // namespace mlops
