// How far what is done for a resource has come.
#pragma once

#include <cstdint>
#include <string>

#include "state/database.hpp"

namespace mlops {

// Their numbers are those of the column steps.state.
enum class StepState : std::int64_t {
  begun = 0,
  done = 1,
  failed = 2,
  cut_off = 3,  // begun by a run that never ended: what it left is not believed
  healed = 4,   // cut off, and since then found or made as wished
};

constexpr std::int64_t number_of(StepState state) { return static_cast<std::int64_t>(state); }

// What earlier runs of the playbook than this left cut off for the resource is well again.
inline void heal(Database& database, const std::string& resource, const std::string& playbook_key, std::int64_t run) {
  database
      .statement("UPDATE steps SET state = 4 WHERE state = 3 AND resource = ? AND run <> ? AND run IN "
                 "(SELECT number FROM runs WHERE playbook_key = ?)")
      .with(resource, run, playbook_key)
      .run();
}

}  // namespace mlops
