// The state that a run keeps for one resource. Used by Run's own files only.
#pragma once

#include <algorithm>
#include <any>

#include "engine/run.hpp"

namespace mlops {

// A resource with all values filled in.
struct Run::Instance {
  const Resource* resource = nullptr;
  std::string key;
  std::optional<Value> item;
  std::string label, as;
  std::any desired;
  Value parameters;  // filled in, if an observer needs them
  Claims claims;
  Claims real;  // the claims of paths that go through links, under the resolved path
  Actor actor;
  Identity identity;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::chrono::system_clock::time_point began = std::chrono::system_clock::now();
  bool forbidden = false;       // no permitted user could make the change; planned as if it were made
  bool may_be_another = false;  // the identity is assumed: the user to run as is not known yet
  std::optional<Notification> notified;
  std::vector<StepName> cut_off;  // its steps that were interrupted in earlier runs
  bool doubted = false;           // a program was interrupted: its results are not trusted
  Interruption interruption;      // of the earliest of them
  std::vector<Change> recovered;  // what recovery changed
  std::string note;               // see ResourceFinished
};

// Kept of a finished instance, to recheck it later.
struct Run::Record {
  const Resource* resource;
  std::string key;
  std::optional<Value> item;
  std::string label;
  Identity identity;
  Outcome outcome;
  bool made = false;  // it did not exist before
  Claims real;        // as an instance's
};

// A write queued to be batched with adjacent ones, or an event queued behind those writes.
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
