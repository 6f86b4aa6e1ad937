#include "runs/why.hpp"

#include <fmt/format.h>

#include <map>

#include "base/suggest.hpp"
#include "host_run/run_records.hpp"
#include "host_run/saved_plan.hpp"

namespace mlops {
namespace {

// Also an instance of a for_each, and a label whose values are filled in.
bool is_of(const Resource& r, const std::string& label) {
  const std::string own = label_of(r, r.parameters);
  if (label == own || (!r.for_each.is_null() && label.starts_with(own + "["))) return true;
  const bool open = r.id.empty() && own.find("{{") != std::string::npos;
  return open && label.starts_with(own.substr(0, own.find("{{"))) && label.ends_with("]");
}

// By its id, or its label. Null if there is none.
const Resource* find(const Playbook& playbook, const std::string& name) {
  for (const Play& play : playbook.plays)
    for (const Resource& r : play.resources)
      if (r.id == name || is_of(r, name)) return &r;
  return nullptr;
}

std::string no_such_resource(const WhyRequest& request, const Playbook& playbook) {
  std::vector<std::string> names;
  for (const Play& play : playbook.plays)
    for (const Resource& r : play.resources) names.push_back(r.id.empty() ? label_of(r, r.parameters) : r.id);
  const std::string hint = did_you_mean(request.resource, names);
  return fmt::format("{} has no resource {}{}", request.playbook, request.resource,
                     hint.empty() ? "" : "; " + hint);
}

// Collects the requested resource from a plan.
struct Found : RunObserver {
  const Resource* resource = nullptr;
  std::vector<std::string> labels;  // in the order in which they were reported
  std::map<std::string, ExplainedResource> by_label;

  void recovers(const Inspection&, const std::vector<Action>&) override {}
  void pass_begins(bool) override {}
  void about_to_act() override {}
  void inspected(const Inspection& seen, const Diff&, const std::vector<std::string>&) override {
    if (is_of(*resource, seen.label)) by_label[seen.label].parameters = masked(seen.parameters);
  }
  void take(const Event& event) {
    const auto* e = std::get_if<ResourceFinished>(&event);
    if (!e || !is_of(*resource, e->label)) return;
    labels.push_back(e->label);
    by_label[e->label].finished = *e;
  }
};

std::optional<RecordedRuns::LastChange> last_change(const WhyRequest& request,
                                                    const std::vector<std::string>& keys,
                                                    const std::string& label) {
  try {
    const RunRecords records(request.state, request.warn);
    for (const std::string& key : keys)
      if (auto last = records.own().last_change(key, label)) return last;
    return std::nullopt;
  } catch (const NoSuchRun&) {
    return std::nullopt;
  } catch (const DatabaseError& e) {
    request.warn(e.message());
    return std::nullopt;
  }
}

}  // namespace

WhyResult explain(const WhyRequest& request, const Cancellation& cancellation) {
  Found found;
  RunRequest plan{.playbook = request.playbook,
                  .dry = true,
                  .vars_files = request.vars_files,
                  .sets = request.sets,
                  .mirror = request.mirror,
                  .state = request.state,
                  .trust_writable = true,
                  .prune = RunRequest::Prune::ignore,
                  .sink = [&](const Event& e) { found.take(e); },
                  .warn = request.warn,
                  .check =
                      [&](const Playbook& playbook) {
                        found.resource = find(playbook, request.resource);
                        return found.resource ? "" : no_such_resource(request, playbook);
                      },
                  .observer = &found};
  WhyResult result;
  result.run = run_playbook(plan, cancellation);
  result.end = result.run.end;
  result.error = result.run.error;
  if (result.run.interrupted || !result.error.empty()) return result;
  if (!result.run.mistakes.empty()) {
    result.run.mistakes.sort();
    return result;
  }
  for (const std::string& label : found.labels) {
    result.resources.push_back(found.by_label[label]);
    result.resources.back().last_change = last_change(request, result.run.keys, label);
  }
  result.from = provenance(*result.run.loaded, *found.resource);
  result.end = result.resources.empty() ? RunEnd::not_started : RunEnd::done;
  if (result.resources.empty()) result.error = fmt::format("{} has no turn in this plan", request.resource);
  return result;
}

}  // namespace mlops
