// The pruning of LocalHost.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/person.hpp"
#include "host_run/prune.hpp"
#include "hosts/coordinator.hpp"
#include "hosts/local_host.hpp"

namespace mlops {
namespace {

// The current and former keys of the playbook.
std::vector<std::string> keys_of(const RunName& run) {
  std::vector<std::string> keys{run.playbook_key};
  keys.insert(keys.end(), run.former_keys.begin(), run.former_keys.end());
  return keys;
}

}  // namespace

PruneResult LocalHost::prune(const PruneOrder& order) {
  const bool failed = !order.alone && failed_;
  host_.reset();  // and with it the run's locks: pruning takes its own
  PruneResult result;
  if (failed && settings_.fail_fast) return result;
  ThisHost host({.person = person_}, cancellation_, {});
  std::vector<Stale> stale = find_stale(settings_.journal.folder, keys_of(settings_.run), digest_, held_, host);
  for (const Stale& one : stale)
    if (!one.stays.empty() || !order.remove)
      tell(fmt::format("no longer in the playbook: {}{}", one.owned.resource,
                       one.stays.empty() ? "; --prune removes it" : "; it stays: " + one.stays));
  Value::Array resources = order.remove ? removals(stale, person_.name) : Value::Array();
  if (resources.empty()) return result;
  if (failed)
    tell("nothing is pruned, because not every resource has converged");
  else
    remove(std::move(stale), std::move(resources), order, result);
  return result;
}

// Pruning is a run of its own, with a playbook that removes the resources.
void LocalHost::remove(std::vector<Stale> stale, Value::Array resources, const PruneOrder& order,
                       PruneResult& result) {
  Diagnostics mistakes;
  const Playbook playbook = playbook_of("what " + settings_.run.playbook + " no longer has",
                                        std::move(resources), person_.home, all_modules(), mistakes);
  if (!mistakes.empty()) {
    ++result.counts[static_cast<std::size_t>(Outcome::failed)];
    return tell("it cannot be pruned: " + mistakes.list().front().message);
  }
  std::vector<std::string> labels;  // in the order of removal
  std::map<std::string, Outcome> ends;
  const EventSink noted = [&](const Event& event) {
    Event told = event;
    if (auto* e = std::get_if<ResourceFinished>(&told)) {
      e->note = "no longer in the playbook";
      if (ends.insert_or_assign(e->label, e->outcome).second) labels.push_back(e->label);
    }
    sink_(told);
  };
  PartSettings settings = settings_;
  settings.only = settings.tags = {};
  settings.mirror.clear();
  settings.dry = order.dry;
  settings.gives_values = false;
  settings.run.id = order.run_id;
  settings.run.kind = "prune";
  Coordinator coordinator(playbook, {order.dry, settings_.fail_fast, 1, 0}, cancellation_, noted);
  EventSink sink = coordinator.sink();
  coordinator.add(
      std::make_unique<LocalHost>(values_.name, playbook, settings, password_, cancellation_, std::move(sink)),
      {0});
  const Conclusion ended = coordinator.go();
  result = {ended.counts, ended.interrupted, ended.not_started, ended.touched, ended.hosts.front().error};
  std::erase_if(stale, [](const Stale& one) { return !one.stays.empty(); });
  std::vector<Stale> removed;
  for (std::size_t i = 0; i < std::min(labels.size(), stale.size()); ++i)
    if (const Outcome outcome = ends.at(labels[i]); outcome == Outcome::changed || outcome == Outcome::ok)
      removed.push_back(std::move(stale[i]));
  if (!order.dry && !removed.empty())
    forget_stale(settings_.journal.folder, keys_of(settings_.run), order.run_id, removed);
}

}  // namespace mlops
