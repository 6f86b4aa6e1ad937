// Formats recorded runs and their steps for people.
#pragma once

#include <string>
#include <vector>

#include "base/wall_clock.hpp"
#include "model/event.hpp"
#include "state/recorded_runs.hpp"

namespace mlops {

// The first 13 characters of the id, its time, or the whole id if another run has the same.
std::string short_id(const std::string& id, const std::vector<RecordedRun>& runs);
// Microseconds since the epoch as "2026-11-26T09:12:03.000000Z" (RFC 3339).
std::string iso_time(std::int64_t us);
// "2 changed, 3 ok"; "" for null.
std::string counts_text(const Value& counts);
// "done", "did not finish, undone by 0193a1b2-c3d4".
std::string ending(const RecordedRun& run, const std::vector<RecordedRun>& runs);
// "begun", "done", "failed", "cut off", "healed".
const char* to_text(StepState state);
// As a report of the run would show it.
ResourceFinished as_event(const RecordedStep& step);
// gethostname(2).
std::string this_host_name();

}  // namespace mlops
