#include "engine/awaited_place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/error.hpp"
#include "engine/run_scope.hpp"
#include "playbook/play_hosts.hpp"
#include "playbook/scopes.hpp"

namespace mlops {
namespace {

using State = AwaitedPlace::State;

// The first of the labels an instance of which has one of these outcomes; "" if none has.
std::string first_with(const std::vector<std::string>& labels, const OutcomesByLabel& outcomes,
                       std::initializer_list<Outcome> wanted) {
  const auto is_wanted = [&](Outcome o) { return std::find(wanted.begin(), wanted.end(), o) != wanted.end(); };
  for (const std::string& label : labels) {
    if (const auto own = outcomes.find(label); own != outcomes.end() && is_wanted(own->second)) return label;
    for (auto i = outcomes.lower_bound(label + '['); i != outcomes.end() && i->first.starts_with(label + '[');
         ++i)
      if (is_wanted(i->second)) return i->first;
  }
  return "";
}

std::vector<std::string> names_in(const Value& filled, const Value& written) {
  const auto mistake = [&](std::string message) {
    return InterpolationError{{written.where, std::move(message), "", {}, {}}};
  };
  if (holds_secret(filled)) throw mistake("`on` cannot hold a secret: it would be visible");
  std::vector<std::string> names;
  for (const Value& name : filled.is_array() ? filled.as_array() : Value::Array{filled}) {
    if (!name.is_string())
      throw mistake(fmt::format("`on` is filled in with {}, and wants the name of a host", name.kind_name()));
    if (const std::string bad = mistake_in_host(name.as_string()); !bad.empty())
      throw mistake("`on` is filled in: " + bad);
    names.push_back(name.as_string());
  }
  if (names.empty()) throw mistake("`on` is filled in, and names no host");
  return names;
}

AwaitedPlace filled_in(const AwaitedHost& host, const Playbook& playbook, const Facts& facts,
                       const HostValues& local) {
  if (host.is_known) return {State::known, {host.name}, "", ""};
  RunScope values(facts);
  values.set_given(local.resources);
  const Scopes scopes(playbook, &values);
  try {
    return {State::known, names_in(interpolate(host.written, scopes.of(host.scope)), host.written), "", ""};
  } catch (const Unknown& e) {
    const bool names_one = !e.waits_for.empty();
    return {State::waits, {}, names_one ? e.waits_for.front() : host.made_by.front(), ""};
  } catch (const SkippedReference& e) {
    if (e.cause.empty()) return {State::skipped, {}, e.label, ""};
    return {State::failed, {}, e.cause, ""};
  }
}

}  // namespace

AwaitedPlace place_of(const AwaitedHost& host, const Playbook& playbook, const Facts& facts,
                      const HostValues& local, const OutcomesByLabel& outcomes) {
  for (const auto* labels : {&host.needs, &host.made_by})
    if (std::string failed = first_with(*labels, outcomes, {Outcome::failed, Outcome::not_converged});
        !failed.empty())
      return {State::failed, {}, std::move(failed), ""};
  const auto pending = {Outcome::would_change, Outcome::unknown};
  if (std::string label = first_with(host.made_by, outcomes, pending); !label.empty())
    return {State::waits, {}, std::move(label), ""};
  AwaitedPlace place = filled_in(host, playbook, facts, local);
  place.may_wait_for = first_with(host.needs, outcomes, pending);
  return place;
}

}  // namespace mlops
