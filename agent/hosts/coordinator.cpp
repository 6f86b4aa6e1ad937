#include "hosts/coordinator.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/contains.hpp"
#include "hosts/parallel_for.hpp"

namespace mlops {
namespace {

bool is_live(const Event& e) {
  return std::holds_alternative<ResourceStarted>(e) || std::holds_alternative<TerminalReleased>(e) ||
         std::holds_alternative<ProgressMade>(e);
}

bool failed_in(const std::array<std::uint64_t, outcome_count>& counts) {
  return counts[static_cast<std::size_t>(Outcome::failed)] +
             counts[static_cast<std::size_t>(Outcome::not_converged)] >
         0;
}

}  // namespace

bool Coordinator::Part::has_play(std::size_t index) const {
  return std::find(plays.begin(), plays.end(), index) != plays.end();
}

Coordinator::Coordinator(const Playbook& playbook, ConductSettings settings, const Cancellation& cancellation,
                         EventSink report)
    : playbook_(playbook), settings_(settings), cancellation_(cancellation), report_(std::move(report)) {}

EventSink Coordinator::sink() {
  Part& part = parts_.emplace_back();
  part.held.resize(playbook_.plays.size());
  return [this, &part](const Event& e) { tell(part, e); };
}

void Coordinator::add(std::unique_ptr<Participant> participant, std::vector<std::size_t> plays) {
  Part& part = parts_.back();
  part.finished.host = participant->values().name;
  part.host = std::move(participant);
  part.plays = std::move(plays);
}

void Coordinator::tell(Part& part, const Event& event) {
  const std::lock_guard lock(mutex_);
  if (const auto* account = std::get_if<AccountUsed>(&event)) return tell_account(*account);
  if (const auto* r = std::get_if<ResourceFinished>(&event)) {
    ++part.told[static_cast<std::size_t>(r->outcome)];
    if (part.finished.host == "local") outcomes_[r->label] = r->outcome;
  }
  if (part.holding && !is_live(event))
    part.held[part.at].push_back(event);
  else
    report_(event);
}

// Each account once: before all resources, if the simulation met it.
void Coordinator::tell_account(const AccountUsed& account) {
  if (contains(accounts_, account)) return;
  accounts_.push_back(account);
  if (started_) report_(account);
}

void Coordinator::release(Part& part, std::size_t play) {
  const std::lock_guard lock(mutex_);
  if (!part.lost)
    for (const Event& event : part.held[play]) report_(event);
  part.held[play].clear();
}

// From the held events. The simulation has visited every resource.
ResourcesKnown Coordinator::known() const {
  ResourcesKnown known;
  for (const Part& part : parts_) {
    if (part.lost) continue;
    for (const auto& play : part.held)
      for (const Event& event : play) {
        if (const auto* resource = std::get_if<ResourceFinished>(&event))
          known.add(resource->label, resource->as);
      }
  }
  return known;
}

std::vector<Coordinator::Part*> Coordinator::all(const std::function<bool(const Part&)>& which) {
  std::vector<Part*> list;
  for (Part& part : parts_)
    if (!part.lost && which(part)) list.push_back(&part);
  return list;
}

// Runs the work for each part, several in parallel. A host whose work throws is lost.
void Coordinator::run(const std::vector<Part*>& parts, const std::function<void(Part&)>& work) {
  const auto one = [&](Part& part) {
    try {
      work(part);
    } catch (const std::exception& e) {
      part.lost = true;
      part.finished.error = e.what();
    }
  };
  parallel_for(parts.size(), settings_.forks, [&](std::size_t i) { one(*parts[i]); });
}

std::vector<HostValues> Coordinator::others(const Part& part) const {
  std::vector<HostValues> list;
  if (parts_.size() == 1) return list;
  for (const Part& other : parts_) {
    if (other.plays.empty()) continue;
    if (&other == &part) {
      // A host finds itself in `hosts`, with its outputs so far among its own resources.
      HostValues self = other.host->values();
      self.resources.clear();
      list.push_back(std::move(self));
      continue;
    }
    HostValues values = other.host->values();
    for (const auto& [id, instances] : other.foreseen) {
      if (values.resources.contains(id)) continue;
      auto& unknown = values.resources[id] = instances;
      for (auto& [key, given] : unknown)
        if (given.state == Given::State::known) given.state = Given::State::unknown;
    }
    values.lost = values.lost || other.lost;
    if (other.lost)
      for (const std::size_t play : other.plays)
        for (const Resource& r : playbook_.plays[play].resources)
          if (!r.id.empty())
            values.resources[r.id] = {{"", {Given::State::failed, r.id, "host " + values.name, {}}}};
    list.push_back(std::move(values));
  }
  return list;
}

std::vector<HostValues> Coordinator::values() const {
  std::vector<HostValues> list;
  for (const Part& part : parts_)
    if (!part.plays.empty()) list.push_back(part.host->values());
  return list;
}

void Coordinator::play(Pass pass, std::size_t index, const std::vector<Part*>& parts) {
  // Sequential: outputs are read while no host changes them.
  std::vector<std::vector<HostValues>> known;
  for (Part* part : parts) known.push_back(others(*part));
  run(parts, [&](Part& part) {
    const auto mine = static_cast<std::size_t>(std::find(parts.begin(), parts.end(), &part) - parts.begin());
    part.at = index;
    if (!part.began) part.host->begin(pass, part.plays);
    part.began = true;
    part.host->play(index, known[mine]);
  });
}

void Coordinator::pass(Pass pass, const std::function<bool(const Part&)>& which) {
  for (Part& part : parts_) part.began = false;
  for (std::size_t index = 0; index < playbook_.plays.size(); ++index) {
    if (cancellation_.cancelled()) break;
    if (pass == Pass::simulated)
      settle(index);
    else
      admit(index);
    if (pass == Pass::real)
      for (Part& part : parts_)
        if (!which(part)) release(part, index);
    const auto parts = all([&](const Part& p) { return which(p) && p.has_play(index); });
    const std::size_t step = pass == Pass::real && settings_.serial > 0 ? settings_.serial : parts.size();
    for (std::size_t from = 0; from < parts.size() && stopped_.empty(); from += step) {
      const std::vector<Part*> batch(
          parts.begin() + static_cast<std::ptrdiff_t>(from),
          parts.begin() + static_cast<std::ptrdiff_t>(std::min(from + step, parts.size())));
      play(pass, index, batch);
      if (pass != Pass::real || (settings_.serial == 0 && !settings_.fail_fast)) continue;
      for (const Part* part : batch)
        if (stopped_.empty() && (part->lost || failed_in(part->told)))
          stopped_ = part->finished.host + " failed";
    }
  }
  run(all([](const Part& p) { return p.began; }), [](Part& part) { part.result = part.host->end(); });
}

Conclusion Coordinator::go() {
  Conclusion conclusion;
  const auto everybody = [](const Part&) { return true; };
  run(all(everybody), [](Part& part) { part.host->join(); });
  pass(Pass::simulated, everybody);
  for (Part& part : parts_) {
    conclusion.not_started = conclusion.not_started || part.lost;
    for (const Diagnostic& mistake : part.result.mistakes.list()) conclusion.mistakes.add(mistake);
    part.acts = !part.lost && !part.result.pending.empty();
    if (settings_.judge && part.acts) settings_.judge(part.finished.host, part.result, conclusion.mistakes);
    if (selection_) part.foreseen = part.host->values().resources;
  }
  take_mistakes(conclusion);
  conclusion.early = true;
  if (conclusion.mistakes.empty()) {
    for (Part& part : parts_) part.holding = false;
    started_ = true;
    for (const AccountUsed& account : accounts_) report_(account);
    report_(known());
    if (may_begin_anywhere(conclusion)) begin_real_pass(conclusion);
  }
  conclude(conclusion);
  return conclusion;
}

// Otherwise the simulation is reported, or why nothing begins.
bool Coordinator::may_begin_anywhere(Conclusion& conclusion) {
  const auto acts = [](const Part& p) { return p.acts; };
  if (settings_.dry || cancellation_.cancelled() || all(acts).empty()) {
    for (std::size_t play = 0; play < playbook_.plays.size(); ++play)
      for (Part& part : parts_) release(part, play);
    return false;
  }
  report_(TerminalReleased{});  // sudo may ask on it now
  run(all(acts), [](Part& part) {
    try {
      part.host->prepare();
    } catch (...) {
      part.acts = false;
      throw;
    }
  });
  for (const Part& part : parts_) conclusion.not_started = conclusion.not_started || part.lost;
  if (!settings_.all_or_nothing || !conclusion.not_started) return true;
  for (Part& part : parts_) {
    if (!part.lost) part.finished.error = "not begun: all or nothing";
    part.acts = false;
  }
  return false;
}

void Coordinator::begin_real_pass(Conclusion& conclusion) {
  const auto acts = [](const Part& p) { return p.acts; };
  if (all(acts).empty() || cancellation_.cancelled()) return;
  conclusion.early = false;
  for (Part& part : parts_)
    if (part.acts) part.told = {};
  pass(Pass::real, acts);
  for (Part& part : parts_)
    for (const Diagnostic& mistake : part.result.mistakes.list()) conclusion.mistakes.add(mistake);
  take_mistakes(conclusion);
}

void Coordinator::take_mistakes(Conclusion& conclusion) {
  for (const Diagnostic& mistake : mistakes_.list()) conclusion.mistakes.add(mistake);
  mistakes_ = {};
}

std::vector<Coordinator::Part*> Coordinator::members() {
  std::vector<Part*> list;
  for (Part& part : parts_)
    if (!part.plays.empty()) list.push_back(&part);
  return list;
}

void Coordinator::prune(const PruneOrder& order, Conclusion& conclusion) {
  std::map<const Part*, PruneResult> results;
  for (const Part& part : parts_) results[&part];
  // A host that did not begin does not have what the playbook makes.
  run(all([](const Part& p) { return p.finished.error.empty(); }),
      [&](Part& part) { results.at(&part) = part.host->prune(order); });
  const std::vector<Part*> list = members();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const PruneResult& result = results.at(list[i]);
    HostFinished& host = conclusion.hosts[i];
    for (std::size_t o = 0; o < outcome_count; ++o) {
      conclusion.counts[o] += result.counts[o];
      host.counts[o] += result.counts[o];
    }
    if (host.error.empty()) host.error = result.error.empty() ? list[i]->finished.error : result.error;
    conclusion.not_started = conclusion.not_started || result.not_started;
    conclusion.interrupted = conclusion.interrupted || result.interrupted;
    conclusion.touched = conclusion.touched || result.touched || (list[i]->lost && order.remove && !order.dry);
  }
}

void Coordinator::conclude(Conclusion& conclusion) {
  conclusion.interrupted = cancellation_.cancelled();
  const bool is_cut_short = !conclusion.early && (conclusion.interrupted || !stopped_.empty());
  for (Part* member : members()) {
    Part& part = *member;
    // Only what a lost host has reported is known.
    part.finished.counts = part.lost ? part.told : part.result.counts;
    const bool was_to_come = is_cut_short && part.awaited && is_needed(part);
    if ((part.acts || was_to_come) && !part.began && !part.lost && part.finished.error.empty())
      part.finished.error = "not begun: " + (stopped_.empty() ? "interrupted" : stopped_);
    if (part.lost && !part.acts) part.finished.counts = {};
    const auto& counts = part.finished.counts;
    conclusion.touched =
        conclusion.touched ||
        (!conclusion.early && part.acts && part.began &&
         (part.lost || failed_in(counts) || counts[static_cast<std::size_t>(Outcome::changed)] > 0));
    for (std::size_t i = 0; i < outcome_count; ++i) conclusion.counts[i] += part.finished.counts[i];
    conclusion.digest += part.result.digest;
    conclusion.hosts.push_back(part.finished);
  }
}

}  // namespace mlops
