// What a run keeps of one resource; for the files of Run alone.
#pragma once

#include <algorithm>
#include <any>

#include "engine/run.hpp"

namespace mlops {

// A resource with everything filled in.
struct Run::Instance {
  const Resource* resource = nullptr;
  std::string key;
  std::optional<Value> item;
  std::string label, as;
  std::any desired;
  Value parameters;  // filled in, where a watcher wants them
  Claims claims;
  Claims real;  // those of paths that have another name when links are replaced, under that name
  Actor actor;
  Identity identity;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::chrono::system_clock::time_point began = std::chrono::system_clock::now();
  bool forbidden = false;  // nobody may act for it here; it is planned as if it were done
  bool may_be_another = false;  // the identity is assumed: who acts is not known yet
  std::optional<Notification> notified;
  std::vector<StepName> cut_off;  // what earlier runs left of it
  bool doubted = false;           // and what a program left is not to be believed
  Interruption interruption;      // of the earliest of them
  std::vector<Change> recovered;  // what was done because of that
  std::string note;               // see ResourceFinished
};

// What is kept of an instance that was handled, to look at it again.
struct Run::Record {
  const Resource* resource;
  std::string key;
  std::optional<Value> item;
  std::string label;
  Identity identity;
  Outcome outcome;
  bool made = false;  // nothing of it was there before
  Claims real;        // as an instance's
};

// A write that waits for its neighbours, or an event that waits for the writes before it.
struct Run::Queued {
  Instance instance;
  Diff diff;  // without actions: it is ok
  std::vector<std::string> maybe;
};

inline bool has_state_changes(const Diff& diff) {
  return std::any_of(diff.changes.begin(), diff.changes.end(),
                     [](const Change& c) { return c.kind == Change::Kind::state; });
}

}  // namespace mlops
