// State shared between runs: recovers from earlier ones, and records state for later ones.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "engine/instance.hpp"

namespace mlops {
namespace {

std::string thing(const Claim& claim) { return std::string(to_text(claim.kind)) + " " + claim.key; }

bool same_things(const CutOff& step, const std::vector<std::string>& claims) {
  return std::any_of(step.claims.begin(), step.claims.end(), [&](const std::string& one) {
    return std::find(claims.begin(), claims.end(), one) != claims.end();
  });
}

// Hashes texts to detect changes. Not cryptographic: no protection against deliberate collisions.
class Mixer {
 public:
  void add(std::string_view text) {
    mix(text.size());
    std::uint64_t bits = 0;
    for (; text.size() >= sizeof bits; text.remove_prefix(sizeof bits)) {
      std::memcpy(&bits, text.data(), sizeof bits);
      mix(bits);
    }
    bits = 0;
    for (const char c : text) bits = bits << 8 | static_cast<unsigned char>(c);
    mix(bits);
  }
  std::uint64_t value() const { return state_; }

 private:
  // The finisher of MurmurHash3, over the state so far.
  void mix(std::uint64_t bits) {
    state_ = (std::rotl(state_, 23) ^ bits) * 0xff51afd7ed558ccd;
    state_ ^= state_ >> 33;
    state_ *= 0xc4ceb9fe1a85ec53;
    state_ ^= state_ >> 29;
  }
  std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

std::string in_bytes(std::uint64_t bytes) {
  return bytes < 1'000'000 ? fmt::format("{} bytes", bytes)
                           : fmt::format("{:.0f} MB", static_cast<double>(bytes) / 1e6);
}

// Sums file sizes, and stops as soon as the sum exceeds the limit.
struct Weighing {
  const FileReader& files;
  std::uint64_t limit = 0, bytes = 0;
  std::size_t entries = 0;

  bool too_much() const { return bytes > limit; }
  void add(const std::string& path) {
    if (const auto status = files.status(path); status && status->type == FileType::regular)
      bytes += status->size;
  }
  void add_tree(const std::string& path) {
    constexpr std::size_t most_entries = 100'000;  // CaptureLimits
    if (too_much() || ++entries > most_entries) return;
    const auto status = files.status(path);
    if (!status || status->type != FileType::directory) return add(path);
    for (const std::string& name : files.list(path).value_or(std::vector<std::string>()))
      add_tree(path == "/" ? path + name : path + "/" + name);
  }
};

std::vector<std::string> written(const Claims& claims) {
  std::vector<std::string> things;
  for (const Claim& claim : claims)
    if (claim.access != Claim::Access::reads) things.push_back(thing(claim));
  return things;
}

}  // namespace

// A step belongs to the resource that it was recorded for, and to a resource of the same type with the same
// claims. A step known only from another user's database counts only for resources that run as that user.
void Run::look_for_cut_off(Instance& i) {
  const PriorRunState& earlier = host_.earlier();
  i.doubted = half_done_;
  if (earlier.steps.empty()) return;
  bool failed = false;
  const std::vector<std::string> claims = written(i.claims);
  for (const CutOff& step : earlier.steps) {
    if (step.type != i.resource->module->type) continue;
    const bool same = step.playbook_key == options_.playbook_key && step.resource == i.label;
    if (!same && !same_things(step, claims)) continue;
    if (!step.told_by.empty() && identities_.decide_to_change(i.actor, i.as, i.identity).user != step.told_by)
      continue;
    i.cut_off.push_back(step.name);
    i.doubted = i.doubted || step.program;
    failed = failed || step.failed;
    Interruption& known = i.interruption;
    known.began = known.began == 0 ? step.began : std::min(known.began, step.began);
    known.restarted = known.restarted || step.restarted;
  }
  if (!i.cut_off.empty())
    i.note = std::string(failed ? "failed half-way in an earlier run" : "was cut off by an earlier run") +
             (i.note.empty() ? "" : ", " + i.note);
}

// The failure is reported as the resource's.
void Run::recover(Instance& i) {
  const std::vector<Action> actions =
      i.resource->module->recover(i.desired, host_.as(i.identity), i.interruption);
  if (actions.empty()) return;
  if (options_.observer)
    options_.observer->recovers({play_, i.label, i.identity.user, i.parameters, {}}, actions);
  flush();
  label_ = i.label;
  i.identity = identities_.decide_to_change(i.actor, i.as, i.identity);
  wrote(i, actions);
  i.recovered = {{.property = "cut off", .after = "recovered", .kind = Change::Kind::event}};
  Step step{purpose(i, i.recovered), actions};
  step.purpose.heals.clear();  // this step alone does not recover the resource
  step.purpose.recovery = true;
  for (const auto& error : host_.perform(i.identity, {&step, 1}))
    if (error) throw *error;
  host_.begin(i.label);
}

StepInfo Run::purpose(const Instance& i, std::vector<Change> changes) {
  const bool makes = i.resource->module->made(i.desired, changes);
  return {.sequence = ++sequence_,
          .resource = i.label,
          .type = std::string(i.resource->module->type),
          .notifies = i.resource->notify,
          .changes = std::move(changes),
          .claims = written(i.claims),
          .heals = i.cut_off,
          .makes = makes};
}

// What is larger than the limit is not kept and cannot be restored: report that before it is replaced.
void Run::note_unkept(Instance& i, const Diff& diff) {
  if (options_.keep_limit == 0 || i.resource->module->made(i.desired, diff.changes)) return;
  const FileReader& files = host_.as(i.identity).files();
  Weighing weighing{files, options_.keep_limit};
  for (const Action& action : diff.actions) {
    weighing.bytes = 0;
    try {
      if (const auto* write = std::get_if<WriteFile>(&action))
        weighing.add(files.resolve(write->path).value_or(write->path));
      if (const auto* download = std::get_if<Download>(&action))
        weighing.add(files.resolve(download->path).value_or(download->path));
      if (const auto* remove = std::get_if<RemovePath>(&action)) weighing.add_tree(remove->path);
    } catch (const Error&) {
      return;  // a user who may not read it cannot replace it
    } catch (const Unknown&) {
      continue;
    }
    if (!weighing.too_much()) continue;
    i.note += fmt::format("{}what is there is not kept: it is more than {}", i.note.empty() ? "" : ", ",
                          in_bytes(options_.keep_limit));
    return;
  }
}

// It stays pending after a failure or an interruption, and while the resource is not part of this run.
void Run::deliver(const Resource& r) {
  if (r.id.empty() || failures_.has_id(r.id)) return;
  const auto known = notified_.find(r.id);
  if (known == notified_.end() || !selected(r) || stopped_ || cancellation_.cancelled()) return;
  host_.delivered(r.id);
  notified_.erase(known);
}

void Run::note_made(const Instance& i, Outcome outcome) {
  if (outcome != Outcome::ok && outcome != options_.acted) return;
  if (i.resource->module->verification) return;
  Mixer mixer;
  mixer.add(i.label);
  mixer.add(i.identity.user);
  for (const Claim& claim : i.claims)
    if (claim.access != Claim::Access::reads) mixer.add(claim.key);
  // The sum does not depend on the order.
  result_.digest += mixer.value();
}

void Run::list_made() {
  const bool holds_claims = std::exchange(holds_claims_, false);  // these are held already
  for (const Record& record : records_) {
    if (record.outcome != Outcome::ok && record.outcome != options_.acted) continue;
    const Module& module = *record.resource->module;
    if (module.verification) continue;
    try {
      Instance i = fill(*record.resource, record.key, record.item ? &*record.item : nullptr);
      using Came = LedgerEntry::Came;
      const Came came = record.outcome == Outcome::ok ? Came::found : record.made ? Came::made : Came::changed;
      result_.made.push_back({i.label, label_of(*record.resource, record.resource->parameters, record.key),
                              module.type, record.identity, came, std::move(i.claims),
                              module.removal(i.desired)});
    } catch (const Error&) {
      // One of its references is gone: a later run lists it.
    } catch (const Unknown&) {
    } catch (const SkippedReference&) {
    } catch (const InterpolationError&) {
    }
  }
  holds_claims_ = holds_claims;
  run_scope_.set_item(nullptr);
}

// Drops notifications whose target is no longer in the playbook.
void Run::drop_stale() {
  if (!options_.only.empty() || !options_.tags.empty()) return;
  const auto has = [&](const std::string& id) {
    return std::any_of(playbook_.plays.begin(), playbook_.plays.end(), [&](const Play& play) {
      return std::any_of(play.resources.begin(), play.resources.end(),
                         [&](const Resource& r) { return r.id == id; });
    });
  };
  for (const PendingNotification& pending : host_.earlier().notifications)
    if (!has(pending.target)) host_.delivered(pending.target);
}

}  // namespace mlops
