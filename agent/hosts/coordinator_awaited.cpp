// The hosts of a run that earlier plays bring into being: when they join, and what stands in their place until
// then.
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/contains.hpp"
#include "base/error.hpp"
#include "base/person.hpp"
#include "hosts/arrival_watch.hpp"
#include "hosts/coordinator.hpp"
#include "hosts/parallel_for.hpp"
#include "model/wording.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

StandIn::Reason waiting_for(const std::string& label) {
  return {Outcome::unknown, "waits for " + label, label};
}

// Ends early when cancelled.
void wait(std::chrono::milliseconds delay, const Cancellation& cancellation) {
  pollfd cancelled{cancellation.fd(), POLLIN, 0};
  ::poll(&cancelled, 1, static_cast<int>(delay.count()));
}

}  // namespace

// A host that is about to take a stand-in's place.
struct Coordinator::Arrival {
  Part* part = nullptr;
  std::unique_ptr<Participant> host;
  std::string error;  // why it was not reached; "" if it was
};

void Coordinator::add_awaited(const AwaitedHost& host, std::vector<std::size_t> plays,
                              const PartSettings& selection) {
  selection_ = &selection;
  Part& part = parts_.emplace_back();
  part.held.resize(playbook_.plays.size());
  part.plays = std::move(plays);
  part.awaited = &host;
  stand_in(part, host.name, waiting_for(host.made_by.empty() ? host.name : host.made_by.front()));
}

void Coordinator::stand_in(Part& part, const std::string& name, StandIn::Reason reason) {
  part.finished.host = name;
  const bool is_named = !part.awaited || part.awaited->is_known || name != part.awaited->name;
  part.host = std::make_unique<StandIn>(name, is_named, playbook_, *selection_, std::move(reason),
                                        [this, &part](const Event& e) { tell(part, e); });
}

// Those whose first play this is.
std::vector<Coordinator::Part*> Coordinator::awaited_at(std::size_t index) {
  return all([&](const Part& p) { return p.awaited && !p.plays.empty() && p.plays.front() == index; });
}

// Whether one of its plays may have something to do there, or a later one may use its outputs.
bool Coordinator::is_needed(const Part& part) {
  const auto& stand_in = static_cast<const StandIn&>(*part.host);
  const auto first = playbook_.plays.begin() + static_cast<std::ptrdiff_t>(part.plays.front());
  const bool is_selected =
      std::any_of(first, playbook_.plays.end(), [&](const Play& play) { return stand_in.has_selected(play); });
  if (!is_selected) return false;
  const std::vector<HostValues> values = others(part);
  return std::any_of(part.plays.begin(), part.plays.end(),
                     [&](std::size_t play) { return !stand_in.mismatch(play, values); });
}

AwaitedPlace Coordinator::locate(Part& part) {
  HostValues local;
  for (const Part& other : parts_)
    if (other.finished.host == "local" && other.host) local = other.host->values();
  try {
    return place_of(*part.awaited, playbook_, Facts(current_person()), local, outcomes_);
  } catch (const InterpolationError& e) {
    mistakes_.add(e.diagnostic);
    return {AwaitedPlace::State::failed, {}, "the host of its play", ""};
  }
}

// What the stand-in says of a host that does not join now.
void Coordinator::represent(Part& part, const AwaitedPlace& place) {
  StandIn::Reason reason;
  switch (place.state) {
    case AwaitedPlace::State::known:
      return;
    case AwaitedPlace::State::waits:
      reason = waiting_for(place.cause);
      break;
    case AwaitedPlace::State::failed:
      reason = {Outcome::skipped, place.cause + " failed", place.cause};
      break;
    case AwaitedPlace::State::skipped:
      reason = {Outcome::skipped, place.cause + " was skipped", ""};
      break;
  }
  static_cast<StandIn&>(*part.host).set(std::move(reason));
}

// ---- in the simulation --------------------------------------------------------------------------------------

void Coordinator::settle(std::size_t index) {
  for (Part* part : awaited_at(index)) {
    if (part->plays.empty() || !is_needed(*part)) continue;  // empty: united with another one
    const AwaitedPlace place = locate(*part);
    represent(*part, place);
    for (Arrival& arrival : arrivals(*part, place.names)) join_or_wait(arrival, place.may_wait_for);
  }
}

void Coordinator::join_or_wait(Arrival& arrival, const std::string& may_wait_for) {
  Part& part = *arrival.part;
  try {
    arrival.host->join();
  } catch (const std::exception& e) {
    if (!may_wait_for.empty() && !cancellation_.cancelled())
      return static_cast<StandIn&>(*part.host).set(waiting_for(may_wait_for));
    part.lost = true;
    part.finished.error = e.what();
  }
  part.host = std::move(arrival.host);
  part.awaited = nullptr;
}

// One part for each name, with its participant.
std::vector<Coordinator::Arrival> Coordinator::arrivals(Part& part, const std::vector<std::string>& names) {
  std::vector<Arrival> list;
  for (Part* one : parts_for(part, names)) {
    const std::string& name = one->finished.host;
    unite(*one, name);
    const bool is_taken = std::any_of(parts_.begin(), parts_.end(), [&](const Part& other) {
      return &other != one && !other.plays.empty() && other.finished.host == name;
    });
    if (is_taken) {
      give_up(*one, fmt::format("{} has other plays in this run: name it in `on` as they do", name));
      continue;
    }
    auto host = settings_.participant(name, one->plays, [this, one](const Event& e) { tell(*one, e); });
    if (host) {
      list.push_back({one, std::move(host), ""});
      continue;
    }
    static_cast<StandIn&>(*one->host)
        .set({Outcome::unknown, "waits for another plan: this one was made before the host was there", name});
    one->acts = true;
  }
  return list;
}

std::vector<Coordinator::Part*> Coordinator::parts_for(Part& part, const std::vector<std::string>& names) {
  if (contains(names, part.finished.host)) return {&part};  // they have their parts already
  std::vector<Part*> list;
  for (const std::string& name : names) {
    Part* one = &part;
    if (!list.empty()) {
      one = &parts_.emplace_back();
      one->held.resize(playbook_.plays.size());
      one->plays = part.plays;
      one->holding = part.holding;
      one->awaited = part.awaited;
    }
    stand_in(*one, name, static_cast<StandIn&>(*part.host).reason());
    list.push_back(one);
  }
  return list;
}

// Plays that refer to the same host in another way are planned together with those of the part.
void Coordinator::unite(Part& part, const std::string& name) {
  for (Part& other : parts_) {
    const bool is_settled = other.awaited && other.awaited->last_maker < part.plays.front();
    if (&other == &part || other.plays.empty() || !is_settled) continue;
    if (locate(other).names != std::vector<std::string>{name}) continue;
    const std::vector<std::size_t> plays = std::exchange(other.plays, {});
    part.plays.insert(part.plays.end(), plays.begin(), plays.end());
    std::sort(part.plays.begin(), part.plays.end());
    part.plays.erase(std::unique(part.plays.begin(), part.plays.end()), part.plays.end());
  }
}

// ---- in the real pass ---------------------------------------------------------------------------------------

void Coordinator::admit(std::size_t index) {
  if (!selection_ || !stopped_.empty()) return;
  std::vector<Arrival> late;
  for (Part* part : awaited_at(index)) {
    if (part->plays.empty() || !is_needed(*part)) continue;  // empty: united with another one
    const AwaitedPlace place = locate(*part);
    represent(*part, place);
    part->acts = place.state == AwaitedPlace::State::failed || place.state == AwaitedPlace::State::skipped;
    for (Arrival& arrival : arrivals(*part, place.names)) late.push_back(std::move(arrival));
  }
  parallel_for(late.size(), settings_.forks, [&](std::size_t i) { reach(late[i]); });
  std::vector<Part*> reached;
  for (Arrival& arrival : late) {
    if (!arrival.error.empty()) {
      give_up(*arrival.part, arrival.error);
      continue;
    }
    arrival.part->host = std::move(arrival.host);
    arrival.part->awaited = nullptr;
    reached.push_back(arrival.part);
  }
  simulate(reached);
  for (Part* part : reached)
    if (may_act(*part)) show_and_prepare(*part);
}

void Coordinator::reach(Arrival& arrival) {
  Part& part = *arrival.part;
  const std::string& name = part.finished.host;
  const std::chrono::milliseconds timeout(playbook_.plays[part.plays.front()].reach_timeout_ms);
  ArrivalWatch watch(name, timeout, Clock::now());
  for (;;) {
    std::string why;
    ArrivalStage stage = ArrivalStage::unknown;
    try {
      return arrival.host->arrive();
    } catch (const NotArrived& e) {
      why = e.what();
      stage = e.stage();
    } catch (const NotUsable& e) {
      arrival.error = e.what();
      return;
    } catch (const std::exception& e) {
      why = e.what();
    }
    watch.saw(stage, why, Clock::now());
    const auto left = watch.left(Clock::now());
    if (cancellation_.cancelled() || left.count() <= 0) {
      arrival.error = cancellation_.cancelled() ? "interrupted" : watch.failure(Clock::now());
      return;
    }
    tell(part, ProgressMade{watch.doing(), name, why, 0, 0, name_of(stage)});
    // Once it is reached, it is only asked how far its first boot has come.
    const auto pause = stage >= ArrivalStage::cloud_init ? settings_.reach_again / 4 : settings_.reach_again;
    wait(std::min(left, pause), cancellation_);
  }
}

// Its plays, whole, with what earlier plays have really given.
void Coordinator::simulate(const std::vector<Part*>& parts) {
  for (Part* part : parts) {
    for (auto& events : part->held) events.clear();
    part->holding = true;
    part->began = false;
  }
  for (std::size_t index = 0; index < playbook_.plays.size() && !cancellation_.cancelled(); ++index) {
    std::vector<Part*> here;
    for (Part* part : parts)
      if (!part->lost && part->has_play(index)) here.push_back(part);
    play(Pass::simulated, index, here);
  }
  std::vector<Part*> begun;
  for (Part* part : parts)
    if (!part->lost && part->began) begun.push_back(part);
  run(begun, [](Part& part) { part.result = part.host->end(); });
  for (Part* part : parts) {
    part->holding = part->began = false;
    part->foreseen = part->host->values().resources;
  }
}

// Whether it has changes to make, and may make them.
bool Coordinator::may_act(Part& part) {
  if (part.lost || cancellation_.cancelled()) {
    give_up(part, part.lost ? part.finished.error : "interrupted");
    return false;
  }
  Diagnostics mistakes;
  for (const Diagnostic& mistake : part.result.mistakes.list()) mistakes.add(mistake);
  part.acts = !part.result.pending.empty();
  if (settings_.judge && part.acts) settings_.judge(part.finished.host, part.result, mistakes);
  if (mistakes.empty()) return part.acts;
  for (const Diagnostic& mistake : mistakes.list()) mistakes_.add(mistake);
  give_up(part, "its plan has mistakes; nothing was touched there");
  return false;
}

void Coordinator::show_and_prepare(Part& part) {
  ResourcesKnown extent;
  for (const auto& events : part.held)
    for (const Event& event : events)
      if (const auto* resource = std::get_if<ResourceFinished>(&event))
        extent.add(resource->label, resource->as);
  report_(NoticeGiven{part.finished.host,
                      part.finished.host + " is reached; this is its plan, which is applied next"});
  report_(extent);
  for (std::size_t play = 0; play < playbook_.plays.size(); ++play) release(part, play);
  report_(TerminalReleased{});  // sudo may ask on it now
  part.told = {};
  try {
    part.host->prepare();
  } catch (const std::exception& e) {
    give_up(part, e.what());
  }
}

// Its resources are skipped from now on, and it counts as failed.
void Coordinator::give_up(Part& part, const std::string& reason) {
  const std::string name = part.finished.host;
  part.awaited = nullptr;
  stand_in(part, name, {Outcome::skipped, reason, "host " + name});
  part.finished.error = reason;
  part.lost = part.began = false;
  part.acts = true;
  part.told = {};
}

}  // namespace mlops
