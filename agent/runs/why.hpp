// The desired and the current state of one resource, and where its values come from.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "playbook/provenance.hpp"
#include "runs/playbook_run.hpp"
#include "state/recorded_runs.hpp"

namespace mlops {

struct WhyRequest {
  std::string playbook, resource;  // resource: an id or a label
  std::string state, mirror;       // as in RunRequest
  std::vector<std::string> sets, vars_files;
  std::function<void(const std::string&)> warn;  // as in RunRequest
};

// A resource in a plan; of a repeated one, an instance.
struct ExplainedResource {
  Value parameters;  // filled in; secrets are masked
  ResourceFinished finished;
  std::optional<RecordedRuns::LastChange> last_change;  // absent: no recorded run has changed it
};

struct WhyResult {
  RunEnd end = RunEnd::done;
  std::string error;  // what is wrong; ""
  std::vector<ExplainedResource> resources;
  std::vector<ParameterProvenance> from;  // positions point into run.loaded
  RunResult run;                          // of the plan; its mistakes
};

WhyResult explain(const WhyRequest& request, const Cancellation& cancellation);

}  // namespace mlops
