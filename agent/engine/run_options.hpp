// What a run is asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/run_observer.hpp"
#include "model/event.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

struct RunOptions {
  Outcome acted = Outcome::changed;  // the outcome of a changed resource: would_change on an overlay
  // if not empty: other resources are read for their outputs, never changed
  std::vector<std::string> only, tags;
  bool fail_fast = false;
  std::chrono::milliseconds settle{10'000};  // how long a service may take to come up
  std::string host = "local";                // its name in events
  RunObserver* observer = nullptr;           // borrowed; null: no observer
  std::uint64_t keep_limit = 0;  // bytes kept of what is replaced, see JournalOptions; 0: nothing is kept
  // Collects what resources own or edit. Borrowed; null: not needed.
  std::vector<ClaimedObject>* claimed = nullptr;
  // Error unless the person agrees that the resource with this label loses that: see Diff::loss. Empty: a
  // plan notes it, and anything else refuses.
  std::function<void(const std::string& label, const std::string& loss)> agree_to_loss;
  std::string playbook_key;  // identifies the playbook, as in RunHeader
  // Whether to list the made and converged resources at the end: when_new lists them if nothing is to be done
  // and the digest differs from known_digest.
  enum class Lists { never, when_new, always } lists = Lists::never;
  std::uint64_t known_digest = 0;
};

// Whether `only` and `tags` include the resource.
bool is_selected(const RunOptions& options, const Resource& resource);

}  // namespace mlops
