#include "host_run/planning.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "model/wording.hpp"
#include "resource/file_source.hpp"
#include "state/journal_json.hpp"

namespace mlops {
namespace {

constexpr std::size_t named = 3;          // differences named in a message
constexpr std::size_t value_length = 40;  // code points of a value in a message

std::string list_of(const std::vector<std::string>& items, const char* between) {
  std::string text;
  for (std::size_t i = 0; i < std::min(named, items.size()); ++i) text += (i ? between : "") + items[i];
  if (items.size() > named) text += fmt::format("{}and {} more", between, items.size() - named);
  return text;
}

bool is_digest(const std::string& text) { return is_sha256(text); }

// Contents that may hold secrets.
Preconditions sealed(Preconditions preconditions, const std::string& key) {
  for (auto& [what, how] : preconditions)
    if (is_digest(how)) how = hmac_sha256_hex(key, how);
  return preconditions;
}

// "/etc/motd was absent, is a file 0644 root root"
std::vector<std::string> shifted(const Preconditions& was, const Preconditions& is) {
  std::vector<std::string> list;
  for (const auto& [what, how] : was) {
    const auto now = is.find(what);
    if (now == is.end() || now->second == how) continue;
    if (is_digest(how) && is_digest(now->second))
      list.push_back(what);
    else
      list.push_back(fmt::format("{} was {}, is {}", what, cut(printable(how), value_length),
                                 cut(printable(now->second), value_length)));
  }
  return list;
}

std::string describe(const std::vector<Change>& changes) {
  std::vector<std::string> list;
  for (const Change& change : changes) list.push_back(describe(change, value_length));
  return list_of(list, ", ");
}

// Compares a planned change with the real one. loosely: ignores what the plan could not know yet: the version
// of a package before its index was fetched, and the state left by other programs that run first.
bool says(const Change& planned, const Change& change, bool loosely) {
  if (planned.property != change.property || planned.kind != change.kind) return false;
  if (!change.is_state()) return true;
  const Value was = to_kept(planned), is = to_kept(change);
  if (was == is) return true;
  const auto same = [&](const char* name) {
    const Value* a = was.find(name);
    const Value* b = is.find(name);
    return a && b ? *a == *b : a == b;
  };
  const bool version_unknown = planned.after.is_string() && planned.after.as_string() == "version unknown";
  if (version_unknown) return same("before");
  return loosely && same("after");
}

// What the plan could not know, and said so: a package that comes along, and how much is fetched. Nothing that
// is removed.
bool was_unknown(const std::vector<Change>& planned, const Change& change) {
  if (goes_along(change) || !(change.property.starts_with('+') || change.is_event())) return false;
  return std::any_of(planned.begin(), planned.end(),
                     [](const Change& said) { return said.kind == Change::Kind::unknown; });
}

}  // namespace

// ---- saving -------------------------------------------------------------------------------------------------

void PlanKeeper::inspected(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe) {
  PlannedResource& r = planned_[{seen.play, seen.label}];
  r.parameters = digest_of_parameters(seen.parameters);
  r.actions = digest_of_actions(diff.actions);
  r.preconditions = seen.preconditions;
  r.changes = diff.changes;
  r.maybe = maybe;
  if (holds_secret(seen.parameters)) seal(r, seen.parameters);
}

void PlanKeeper::seal(PlannedResource& resource, const Value& parameters) try {
  if (!key_) key_ = get_key_();
  resource.secrets = keyed_digest_of_parameters(parameters, *key_);
  resource.preconditions = sealed(std::move(resource.preconditions), *key_);
} catch (const Error& e) {
  error_ = e;
}

void PlanKeeper::recovers(const Inspection& seen, const std::vector<Action>& actions) {
  planned_[{seen.play, seen.label}].recovery = digest_of_actions(actions);
}

void PlanKeeper::take(const Event& event) {
  if (const auto* started = std::get_if<PlayStarted>(&event); started && started->host == host_) {
    play_ = plays_ < own_.size() ? own_[plays_] : plays_;
    ++plays_;
  }
  const auto* finished = std::get_if<ResourceFinished>(&event);
  if (!finished || finished->host != host_) return;
  const std::pair<std::size_t, std::string> place{play_, finished->label};
  PlannedResource& r = planned_[place];
  if (r.label.empty()) order_.push_back(place);
  r.host = host_;
  r.play = place.first;
  r.label = finished->label;
  r.as = finished->as;
  r.outcome = finished->outcome;
  r.reason = finished->reason;
}

std::vector<PlannedResource> PlanKeeper::resources() const {
  if (error_) throw *error_;
  std::vector<PlannedResource> list;
  for (const auto& place : order_) list.push_back(planned_.at(place));
  return list;
}

// ---- enforcing ----------------------------------------------------------------------------------------------

PlanGuard::PlanGuard(const PlanFile& plan, bool all_or_nothing, const std::string& host, GetPlanKey key)
    : get_key_(std::move(key)), all_or_nothing_(all_or_nothing) {
  for (const PlannedResource& r : plan.resources)
    if (r.host == host) planned_[{r.play, r.label}] = &r;
}

const std::string& PlanGuard::key() {
  if (!key_) key_ = get_key_ ? get_key_() : "";
  return *key_;
}

Preconditions PlanGuard::preconditions_of(const Inspection& seen) {
  return holds_secret(seen.parameters) ? sealed(seen.preconditions, key()) : seen.preconditions;
}

// "" if the secrets are those that it was planned with.
std::string PlanGuard::other_secret(const PlannedResource& planned, const Inspection& seen) {
  if (real_ || planned.secrets.empty()) return "";
  if (key().empty())
    return "whether its secrets are those that it was planned with cannot be told: their key is gone from the "
           "state folder";
  if (planned.secrets == keyed_digest_of_parameters(seen.parameters, key())) return "";
  return planned.parameters == digest_of_parameters(seen.parameters)
             ? "a secret in its parameters has changed since the plan was made"
             : "";
}

std::string PlanGuard::objection(const Inspection& seen, const Diff& diff,
                                 const std::vector<std::string>& maybe) {
  const auto known = planned_.find({seen.play, seen.label});
  if (known == planned_.end()) return "it is not in the plan";
  const PlannedResource& planned = *known->second;
  if (planned.outcome == Outcome::unknown) return "";
  if (std::string other = other_secret(planned, seen); !other.empty()) return other;
  const std::vector<std::string> other =
      real_ ? std::vector<std::string>() : shifted(planned.preconditions, preconditions_of(seen));
  const std::string changed = other.empty() ? "" : "changed since the plan was made: " + list_of(other, "; ");
  if (planned.outcome != Outcome::would_change) {
    const std::string said = planned.outcome == Outcome::ok        ? "that there is nothing to do"
                             : planned.outcome == Outcome::skipped ? "that it is skipped"
                                                                   : "that it fails";
    return fmt::format("the plan said {}, now it would change: {}{}", said, describe(diff.changes),
                       changed.empty() ? "" : "; " + changed);
  }
  if (!real_ && planned.parameters != digest_of_parameters(seen.parameters))
    return "its parameters have changed since the plan was made";
  if (!changed.empty()) return changed;
  if (planned.as != seen.as) return fmt::format("it would run as {}, the plan said {}", seen.as, planned.as);
  std::vector<Change> unsaid;
  const bool loosely = !planned.maybe.empty() || !maybe.empty();
  for (const Change& change : diff.changes)
    if (!was_unknown(planned.changes, change) &&
        std::none_of(planned.changes.begin(), planned.changes.end(),
                     [&](const Change& said) { return says(said, change, loosely); }))
      unsaid.push_back(change);
  if (!unsaid.empty()) return "it would do something that the plan did not show: " + describe(unsaid);
  if (!real_ && planned.actions != digest_of_actions(diff.actions))
    return "it would make the planned change in another way";
  return "";
}

void PlanGuard::inspected(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe) {
  if (diff.empty()) return;
  const Place place{seen.play, seen.label};
  if (const auto refused = refused_.find(place); refused != refused_.end()) throw Error(refused->second);
  if (all_or_nothing_ && real_ && !refused_.empty())
    throw Error("--all-or-nothing: the plan is no longer valid for " + refused_.begin()->first.second);
  std::string why = objection(seen, diff, maybe);
  if (why.empty()) return;
  if (!changed_sources_.empty())
    why += "; since the plan, these files changed: " + list_of(changed_sources_, ", ");
  refused_[place] = why;
  throw Error(why);
}

void PlanGuard::recovers(const Inspection& seen, const std::vector<Action>& actions) {
  const Place place{seen.play, seen.label};
  const auto known = planned_.find(place);
  if (known != planned_.end() &&
      (known->second->outcome == Outcome::unknown || known->second->recovery == digest_of_actions(actions)))
    return;
  refused_[place] = "a run was interrupted here since the plan was made, and its recovery is not in the plan";
  throw Error(refused_[place]);
}

void PlanGuard::finished(std::size_t play, const std::string& label, Outcome outcome,
                         const std::string& reason) {
  const Place place{play, label};
  seen_.insert(place);
  if (real_ || !all_or_nothing_ || refused_.contains(place)) return;
  const auto known = planned_.find(place);
  const Outcome planned = known == planned_.end() ? Outcome::unknown : known->second->outcome;
  const bool fails = outcome == Outcome::failed || outcome == Outcome::not_converged;
  const bool differs = outcome != planned && (outcome == Outcome::unknown || outcome == Outcome::skipped);
  if (fails || (differs && planned == Outcome::would_change)) refused_[place] = reason;
}

// Also counts planned changes whose resource no longer exists.
std::vector<std::string> PlanGuard::held_back_by() const {
  std::vector<std::string> labels;
  for (const auto& [place, why] : refused_) labels.push_back(place.second);
  for (const auto& [place, planned] : planned_)
    if (planned->outcome == Outcome::would_change && !seen_.contains(place) && !refused_.contains(place))
      labels.push_back(place.second);
  return labels;
}

std::string PlanGuard::why_held_back() const {
  return "--all-or-nothing: the plan is no longer valid for " + list_of(held_back_by(), ", ");
}

void PlanGuard::about_to_act() {
  if (holds_back()) throw Error(why_held_back());
}

// ---- files --------------------------------------------------------------------------------------------------

FileBeside PlannedFiles::read(const std::string& path, bool content, std::uint64_t limit) const {
  const auto found = plan_.texts.find(path);
  if (found == plan_.texts.end()) return others_.read(path, content, limit);
  FileBeside file;
  file.size = found->second.size();
  if (content && file.size <= limit) file.content = found->second;
  return file;
}

FileBeside PlannedFiles::whole(const std::string& path) const {
  const auto found = plan_.texts.find(path);
  if (found == plan_.texts.end()) return others_.whole(path);
  FileBeside file;
  file.content = found->second;
  return file;
}

std::vector<std::string> changed_sources(const PlanFile& plan) {
  std::vector<std::string> changed;
  for (const auto& [path, digest] : plan.sources) {
    const FileBeside now = files_on_disk().read(path, true, FileSource::largest_source);
    const bool readable = now.error == 0 && now.regular && now.size <= FileSource::largest_source;
    if ((readable ? sha256_hex(now.content) : "") != digest) changed.push_back(path);
  }
  return changed;
}

}  // namespace mlops
