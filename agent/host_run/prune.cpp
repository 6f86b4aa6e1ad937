#include "host_run/prune.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/person.hpp"
#include "domains/capture_before.hpp"
#include "domains/files/paths.hpp"
#include "host_run/part_done.hpp"
#include "host_run/prune_packages.hpp"
#include "machine/local.hpp"
#include "state/json_value.hpp"
#include "state/mark.hpp"
#include "state/recorded_runs.hpp"
#include "state/state_database.hpp"
#include "state/state_folder.hpp"

namespace mlops {
namespace {

// Of the user that this process runs as; "" if there is none.
std::string own_state_folder(const std::string& given) {
  return find_state_folder(state_folder(acting_user(effective_person().name), given));
}

std::unique_ptr<Database> open_state(const std::string& given, StateDatabaseSettings::For use,
                                     const Notice& notice = {}) {
  const std::string folder = own_state_folder(given);
  if (folder.empty()) return nullptr;
  return open_state_database({folder, use, notice, {}});
}

// A playbook's name or path, without the machine.
std::string shown_key(const std::string& key) { return key.substr(key.find(':') + 1); }

std::string shown(const ClaimedObject& object) {
  return object.kind == Claim::Kind::path ? object.key : to_string(object);
}

bool is_service(const ClaimedObject& object) { return object.kind == Claim::Kind::service; }

// A unit that is neither running nor enabled has nothing to revert.
bool is_gone(const ClaimedObject& object, const MachineReader& machine) {
  const std::string print = fingerprint_of(object, machine);
  return print == "absent" || (is_service(object) && print == "inactive, not enabled");
}

bool is_gone(const Owned& owned, const MachineReader& machine) {
  return owned.edits.empty() && !owned.owns.empty() &&
         std::all_of(owned.owns.begin(), owned.owns.end(),
                     [&](const ClaimedObject& object) { return is_gone(object, machine); });
}

// kept: of a step. A tree counts as its path.
bool has_any(const std::string& kept, const std::vector<ClaimedObject>& objects) {
  const std::vector<std::string> texts = texts_of(kept);
  return std::any_of(objects.begin(), objects.end(), [&](const ClaimedObject& object) {
    return std::find(texts.begin(), texts.end(), to_string(object.itself())) != texts.end();
  });
}

// The last prune step for the resource since the playbook last made it, if it was interrupted or failed; absent
// otherwise.
std::optional<RecordedStep> unfinished_prune(const Owned& owned, Database& database) {
  Statement& rows = database.statement(
      "SELECT run, sequence, state, claims FROM steps JOIN runs ON number = run WHERE kind = 'prune' AND "
      "playbook_key = ? "
      "AND run > coalesce((SELECT max(number) FROM runs JOIN ledger ON id IN (made_by, changed_by) WHERE "
      "ledger.playbook_key = ? AND ledger.resource = ?), 0) ORDER BY run DESC, sequence DESC");
  std::int64_t run = 0, sequence = 0;
  StepState state = StepState::done;
  for (rows.with(owned.playbook_key, owned.playbook_key, owned.resource); run == 0 && rows.step();) {
    if (!has_any(rows.text(3), owned.owns)) continue;
    run = rows.integer(0);
    sequence = rows.integer(1);
    state = static_cast<StepState>(rows.integer(2));
  }
  rows.with();
  if (run == 0 || state == StepState::done || state == StepState::recovered) return std::nullopt;
  for (RecordedStep& step : RecordedRuns(database).steps(run))
    if (step.sequence == static_cast<std::uint64_t>(sequence)) return std::move(step);
  return std::nullopt;
}

// Then the next prune inspects the resource again, though it may already be removed, and finishes it.
bool was_interrupted(const std::optional<RecordedStep>& prune) {
  return prune && (prune->state == StepState::begun || prune->state == StepState::interrupted);
}

// Another identity's step can only be inspected by that identity: its steps are assumed to explain the current
// state.
bool explains_what_is_left(const RecordedStep& prune, const MachineReader& machine) {
  if (!prune.detailed) return true;
  std::vector<Action> actions;
  for (const auto& action : prune.actions)
    if (action) actions.push_back(*action);
  return is_part_done(actions, prune.before, machine);
}

std::string why_it_stays(const Owned& owned, Database& database, const MachineReader& machine) {
  if (!owned.removal.is_object()) return "how to remove it is not known";
  for (const auto* objects : {&owned.owns, &owned.edits})
    for (const ClaimedObject& object : *objects)
      if (const std::string other = other_owner(database, object, owned.playbook_key); !other.empty())
        return fmt::format("{} is also of the playbook {}", shown(object), shown_key(other));
  std::optional<bool> by_us;
  for (const auto& [object, print] : owned.fingerprint) {
    // A service that was stopped in the meantime may still be removed.
    if (print.empty() || is_service(object) || fingerprint_of(object, machine) == print) continue;
    if (!by_us) {
      const auto prune = unfinished_prune(owned, database);
      by_us = prune && explains_what_is_left(*prune, machine);
    }
    if (!*by_us) return shown(object) + " was changed since";
  }
  return "";
}

// A user's removal takes the group of its name along, which may be a resource of its own.
void keep_declared_group(Owned& owned, const DeclaredResources& held) {
  if (owned.type != "user" || !owned.removal.is_object()) return;
  const Value* name = owned.removal.find("name");
  if (name && name->is_string() && held.has({Claim::Kind::group, name->as_string()}))
    owned.removal.set("keep_group", true);
}

// Adds the resource's packages that are not held: one entry for those that may be removed, one for those that
// stay, each with its share of the resource.
void add_packages(Owned owned, const DeclaredResources& held, Database& database, const MachineReader& machine,
                  std::vector<Stale>& list) {
  std::vector<std::string> names;
  for (const ClaimedObject& object : owned.owns)
    if (object.kind == Claim::Kind::package && !held.has(object)) names.push_back(object.key);
  const PackagesToPrune chosen =
      choose_packages(std::move(names), machine.packages(), [&](const std::string& name) {
        const std::string other = other_owner(database, {Claim::Kind::package, name}, owned.playbook_key);
        return other.empty() ? "" : fmt::format("it is also of the playbook {}", other);
      });
  std::string why;
  std::vector<std::string> keeps;
  for (const auto& [name, reason] : chosen.stay) {
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", name, reason);
    keeps.push_back(name);
  }
  if (!chosen.go.empty()) {
    Stale going{owned, "", keeps};
    Value::Array going_names(chosen.go.begin(), chosen.go.end());
    going.owned.removal.set("names", std::move(going_names));
    list.push_back(std::move(going));
  }
  if (!why.empty()) list.push_back({std::move(owned), std::move(why), {}});
}

// The path of a folder that is removed only if it is empty; "" for everything else.
std::string emptied_folder(const Stale& stale) {
  const Value& removal = stale.owned.removal;
  const Value* recursive = removal.find("recursive");
  if (stale.owned.type != "directory" || (recursive && *recursive == Value(true))) return "";
  const Value* path = removal.find("path");
  return path && path->is_string() ? path->as_string() : "";
}

bool lies_within(const Stale& stale, const std::string& folder) {
  const auto within = [&](const ClaimedObject& object) {
    return object.kind == Claim::Kind::path && object.key != folder && is_within(object.key, folder);
  };
  return std::any_of(stale.owned.owns.begin(), stale.owned.owns.end(), within);
}

// A folder is removed after its content, whichever was created first.
void put_contents_first(std::vector<Stale>& list) {
  for (std::size_t at = list.size(); at-- > 0;) {
    const std::string folder = emptied_folder(list[at]);
    if (folder.empty()) continue;
    std::size_t last = at;
    for (std::size_t i = at + 1; i < list.size(); ++i)
      if (lies_within(list[i], folder)) last = i;
    const auto first = list.begin() + static_cast<std::ptrdiff_t>(at);
    std::rotate(first, first + 1, list.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  }
}

// What the folder will still contain when it is its turn; "" if nothing.
std::string what_stays_in(const std::string& folder, const std::vector<Stale>& list,
                          const MachineReader& machine) {
  const auto goes = [&](const std::string& path) {
    return std::any_of(list.begin(), list.end(), [&](const Stale& one) {
      const auto& owns = one.owned.owns;
      return one.stays.empty() && std::any_of(owns.begin(), owns.end(), [&](const ClaimedObject& object) {
               return object.kind == Claim::Kind::path && object.key == path;
             });
    });
  };
  std::vector<std::string> left = machine.files().list(folder).value_or(std::vector<std::string>());
  std::erase_if(left, [&](const std::string& name) { return goes(join_path(folder, name)); });
  if (left.empty()) return "";
  std::sort(left.begin(), left.end());
  return left.size() == 1 ? left[0] : fmt::format("{} and {} more", left[0], left.size() - 1);
}

// Innermost first: a folder that stays keeps its parent.
void keep_full_folders(std::vector<Stale>& list, Host& host) {
  for (Stale& one : list) {
    const std::string folder = one.stays.empty() ? emptied_folder(one) : "";
    if (folder.empty()) continue;
    try {
      const std::string left = what_stays_in(folder, list, host.as({one.owned.identity}));
      if (!left.empty()) one.stays = fmt::format("{} is not empty: it holds {}", folder, left);
    } catch (const Error& e) {
      one.stays = e.what();
    } catch (const Unknown& unknown) {
      one.stays = unknown.reason;
    }
  }
}

}  // namespace

void DeclaredResources::take(const Event& event) {
  const auto* e = std::get_if<ResourceFinished>(&event);
  if (!e) return;
  labels_.push_back(e->label);
  if (e->outcome == Outcome::skipped || e->outcome == Outcome::failed || e->outcome == Outcome::unknown)
    vague_.push_back(e->label);
}

void DeclaredResources::order() {
  std::sort(labels_.begin(), labels_.end());
  std::sort(claimed_.begin(), claimed_.end());
}

bool DeclaredResources::has(const Owned& owned) const {
  if (std::binary_search(labels_.begin(), labels_.end(), owned.resource)) return true;
  // An instance of a for_each that was not expanded has the label of the whole, and its key.
  if (std::any_of(vague_.begin(), vague_.end(), [&](const std::string& label) {
        return owned.declared == label || owned.declared.starts_with(label + "[");
      }))
    return true;
  const auto claims = [&](const ClaimedObject& object) { return has(object); };
  // Packages are reported and removed one by one.
  if (owned.type == "package" && !owned.owns.empty())
    return std::all_of(owned.owns.begin(), owned.owns.end(), claims);
  return std::any_of(owned.owns.begin(), owned.owns.end(), claims) ||
         (owned.owns.empty() && !owned.edits.empty() &&
          std::all_of(owned.edits.begin(), owned.edits.end(), claims));
}

bool DeclaredResources::has(const ClaimedObject& object) const {
  return std::binary_search(claimed_.begin(), claimed_.end(), object.itself());
}

std::vector<Stale> find_stale(const std::string& given, const std::vector<std::string>& keys,
                              std::uint64_t digest, DeclaredResources& held, Host& host) {
  std::vector<Stale> list;
  CleanMarker mark;
  const std::string folder = own_state_folder(given);
  const bool settled = !folder.empty() && read_mark(folder, mark) == MarkState::settled;
  if (settled && digest != 0 && mark.playbooks[keys.front()] == ListedResources{digest, false}) return list;
  const auto database = open_state(given, StateDatabaseSettings::For::reading);
  if (!database) return list;
  held.order();
  std::vector<Owned> all;
  for (const std::string& key : keys)
    for (Owned& owned : ledger_of(*database, key)) all.push_back(std::move(owned));
  for (Owned& owned : all) {
    if (!owned.created || held.has(owned)) continue;
    try {
      const Machine& machine = host.as({owned.identity});
      if (is_gone(owned, machine) && !was_interrupted(unfinished_prune(owned, *database))) continue;
      if (owned.type == "package" && owned.removal.is_object()) {
        add_packages(owned, held, *database, machine, list);
        continue;
      }
      keep_declared_group(owned, held);
      std::string stays = why_it_stays(owned, *database, machine);
      list.push_back({std::move(owned), std::move(stays), {}});
    } catch (const Error& e) {
      list.push_back({std::move(owned), e.what(), {}});
    } catch (const Unknown& unknown) {
      list.push_back({std::move(owned), unknown.reason, {}});
    }
  }
  put_contents_first(list);
  keep_full_folders(list, host);
  return list;
}

Value::Array removals(const std::vector<Stale>& stale, const std::string& person) {
  Value::Array resources;
  for (const Stale& one : stale) {
    if (!one.stays.empty()) continue;
    Value resource = one.owned.removal;
    if (one.owned.identity != "root" && one.owned.identity != person) resource.set("as", one.owned.identity);
    resources.push_back(std::move(resource));
  }
  return resources;
}

void forget_stale(const std::string& given, const std::vector<std::string>& keys, const std::string& run,
                  const std::vector<Stale>& removed) {
  const auto database = open_state(given, StateDatabaseSettings::For::writing);
  if (!database) return;
  Transaction transaction(*database);
  for (const Stale& one : removed) {
    for (const std::string& key : keys) keep_disowned(*database, run, key, one.owned.resource);
    if (one.keeps.empty()) {
      for (const std::string& key : keys)
        database->statement("DELETE FROM ledger WHERE playbook_key = ? AND resource = ?")
            .with(key, one.owned.resource)
            .run();
      continue;
    }
    Value::Array claims, names;
    for (const std::string& name : one.keeps) {
      claims.emplace_back(to_string(Claim{.kind = Claim::Kind::package, .key = name}));
      names.emplace_back(name);
    }
    Value removal = one.owned.removal;
    removal.set("names", std::move(names));
    const std::string kept_claims = to_json(Value(std::move(claims))), kept_removal = to_json(removal);
    for (const std::string& key : keys)
      database->statement("UPDATE ledger SET claims = ?, removal = ? WHERE playbook_key = ? AND resource = ?")
          .with(kept_claims, kept_removal, key, one.owned.resource)
          .run();
  }
  transaction.commit();
}

std::vector<std::string> forget_resource(const std::string& given, const std::string& resource,
                                         const std::string& playbook,
                                         const std::function<void(const std::string&)>& notice) {
  std::vector<std::string> forgotten;
  const auto database = open_state(given, StateDatabaseSettings::For::writing, notice);
  if (!database) return forgotten;
  std::vector<std::string> keys;
  Statement& owners =
      database->statement("SELECT playbook_key FROM ledger WHERE resource = ? ORDER BY playbook_key");
  for (owners.with(resource); owners.step();) {
    const std::string key = owners.text(0);
    if (playbook.empty() || shown_key(key) == playbook) keys.push_back(key);
  }
  Transaction transaction(*database);
  for (const std::string& key : keys) {
    database->statement("DELETE FROM ledger WHERE playbook_key = ? AND resource = ?").with(key, resource).run();
    forgotten.push_back(shown_key(key));
  }
  transaction.commit();
  return forgotten;
}

}  // namespace mlops
