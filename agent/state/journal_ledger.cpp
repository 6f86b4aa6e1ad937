// The journal's part that keeps the ledger: what each playbook has created or found.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/wall_clock.hpp"
#include "domains/capture_before.hpp"
#include "state/journal.hpp"
#include "state/json_value.hpp"
#include "state/kept_claims.hpp"
#include "state/ledger.hpp"

namespace mlops {

void StateJournal::account(std::vector<LedgerEntry> entries, std::optional<std::uint64_t> digest) {
  const auto marked = mark_.playbooks.find(run_.playbook_key);
  const bool known = digest && marked != mark_.playbooks.end() && marked->second.digest == *digest;
  std::set<std::string> held;
  for (const LedgerEntry& entry : entries)
    if (!entry.absent) held.insert(entry.resource);
  if (!digest)
    mark_.playbooks.erase(run_.playbook_key);
  else if (!known)
    mark_.playbooks[run_.playbook_key] = {*digest, false};
  if (known) std::erase_if(entries, [](const LedgerEntry& e) { return e.came == LedgerEntry::Came::found; });
  if (entries.empty()) return;
  later([this, list = std::move(entries), held = std::move(held), digest](Database& database, std::int64_t) {
    follow_owned(list, digest.has_value());
    for (const LedgerEntry& entry : list) enter(entry);
    if (!digest) return;
    bool more = false;
    Statement& rows =
        database.statement("SELECT resource FROM ledger WHERE playbook_key = ?").with(run_.playbook_key);
    while (rows.step()) more = more || !held.contains(rows.text(0));
    mark_.playbooks[run_.playbook_key] = {*digest, more};
  });
}

namespace {

// The owned objects, in the order of their texts.
std::vector<ClaimedObject> owned_of(const Claims& claims) {
  std::vector<ClaimedObject> objects;
  for (const Claim& claim : claims)
    if (claim.access == Claim::Access::owns) objects.push_back(object_of(claim));
  std::sort(objects.begin(), objects.end(),
            [](const auto& one, const auto& other) { return to_string(one) < to_string(other); });
  return objects;
}

// What identifies an entry: its type, and what it owns.
using OwnedByType = std::pair<std::string, std::vector<ClaimedObject>>;

}  // namespace

// An entry is matched by what it owns, not by its label: a resource that got another id, and owns the same,
// keeps its entry. If the whole playbook is given (whole), an entry whose id now belongs to another resource,
// and which owns nothing that the playbook has, is labelled by what it owns: it is still to be pruned.
void StateJournal::follow_owned(const std::vector<LedgerEntry>& entries, bool whole) {
  struct Row {
    std::string resource, type, claims;
    bool created = false;
  };
  std::vector<Row> rows;
  Statement& query =
      database_->statement("SELECT resource, type, claims, origin FROM ledger WHERE playbook_key = ?");
  for (query.with(run_.playbook_key); query.step();)
    rows.push_back({query.text(0), query.text(1), query.text(2), query.text(3) == "created"});
  if (rows.empty()) return;
  std::map<OwnedByType, std::string> label_of;   // of the entry that owns these
  std::map<std::string, std::string> claims_of;  // by label, as stored
  std::set<ClaimedObject> owned;
  for (const LedgerEntry& entry : entries) {
    if (entry.absent) continue;
    claims_of[entry.resource] = kept_claims(entry.claims);
    std::vector<ClaimedObject> objects = owned_of(entry.claims);
    owned.insert(objects.begin(), objects.end());
    if (!objects.empty()) label_of[{entry.type, std::move(objects)}] = entry.resource;
  }
  std::map<std::string, Row> best;               // the future label -> the entry that continues
  std::map<std::string, std::string> new_names;  // of entries that lost their label
  std::vector<std::string> dropped;
  const auto goes_on = [&](const std::string& label, const Row& row) {
    const auto [known, is_new] = best.emplace(label, row);
    if (is_new) return;
    const bool better = row.created != known->second.created ? row.created : row.resource == label;
    dropped.push_back(better ? known->second.resource : row.resource);
    if (better) known->second = row;
  };
  for (const Row& row : rows) {
    const auto same = claims_of.find(row.resource);
    if (same != claims_of.end() && same->second == row.claims) {
      goes_on(row.resource, row);
      continue;
    }
    const std::vector<ClaimedObject> objects = owned_of(parsed_claims(row.claims));
    if (objects.empty()) continue;
    if (const auto found = label_of.find({row.type, objects}); found != label_of.end()) {
      goes_on(found->second, row);
    } else if (whole && row.created && same != claims_of.end() &&
               std::none_of(objects.begin(), objects.end(),
                            [&](const ClaimedObject& object) { return owned.contains(object); })) {
      new_names[row.resource] = fmt::format("{}[{}]", row.type, objects.front().key);
    }
  }
  for (const auto& [label, row] : best)
    if (label != row.resource) new_names[row.resource] = label;
  if (new_names.empty() && dropped.empty()) return;
  for (const std::string& label : dropped)
    database_->statement("DELETE FROM ledger WHERE playbook_key = ? AND resource = ?")
        .with(run_.playbook_key, label)
        .run();
  // In two steps: an entry may get a label that another has yet to give up.
  constexpr const char* rename =
      "UPDATE OR REPLACE ledger SET resource = ?3 WHERE playbook_key = ?1 AND resource = ?2";
  const auto between = [](const std::string& label) { return "\x01" + label; };
  for (const auto& [from, to] : new_names)
    database_->statement(rename).with(run_.playbook_key, from, between(to)).run();
  for (const auto& [from, to] : new_names)
    database_->statement(rename).with(run_.playbook_key, between(to), to).run();
}

void StateJournal::enter(const LedgerEntry& entry) {
  if (entry.absent) {
    keep_disowned(*database_, run_.id, run_.playbook_key, entry.resource);
    database_->statement("DELETE FROM ledger WHERE playbook_key = ? AND resource = ?")
        .with(run_.playbook_key, entry.resource)
        .run();
    return;
  }
  using Came = LedgerEntry::Came;
  const std::string claims = kept_claims(entry.claims);
  const bool made = entry.came == Came::made || made_before(entry.resource);
  const bool acted = entry.came != Came::found;
  const std::string fingerprint = acted || made ? fingerprints(entry) : "";
  database_
      ->statement(
          "INSERT INTO ledger (playbook_key, resource, declared, type, identity, origin, since, made_by, "
          "changed_by, claims, removal, fingerprint) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''), ?, nullif(?, ''), nullif(?, '')) "
          "ON CONFLICT (playbook_key, resource) DO UPDATE SET declared = excluded.declared, "
          "type = excluded.type, identity = excluded.identity, claims = excluded.claims, "
          "removal = excluded.removal, "
          "origin = CASE excluded.origin WHEN 'created' THEN 'created' ELSE origin END, "
          "since = CASE excluded.origin WHEN 'created' THEN excluded.since ELSE since END, "
          "made_by = CASE excluded.origin WHEN 'created' THEN excluded.made_by ELSE made_by END, "
          "changed_by = coalesce(excluded.changed_by, changed_by), "
          "fingerprint = coalesce(excluded.fingerprint, fingerprint)")
      .with(run_.playbook_key, entry.resource, entry.declared, entry.type, entry.identity,
            made ? "created" : "adopted", microseconds_now(), run_.id, acted ? run_.id : "", claims,
            entry.removal, fingerprint)
      .run();
}

// Recorded by a run that did not reach the end of the playbook, where the ledger is written.
bool StateJournal::made_before(const std::string& resource) {
  Statement& known = database_->statement("SELECT count(*) FROM ledger WHERE playbook_key = ? AND resource = ?")
                         .with(run_.playbook_key, resource);
  const bool entered = known.step() && known.integer(0) > 0;
  known.with();
  if (entered) return false;
  Statement& steps =
      database_
          ->statement(
              "SELECT count(*) FROM steps JOIN runs ON runs.number = steps.run WHERE resource = ? AND "
              "playbook_key = ? AND makes = 1 AND state IN (1, 3, 4)")
          .with(resource, run_.playbook_key);
  const bool made = steps.step() && steps.integer(0) > 0;
  steps.with();
  return made;
}

// For what it owns. Objects that this identity acted on were fingerprinted at that time.
std::string StateJournal::fingerprints(const LedgerEntry& entry) {
  Value all{Value::Object{}};
  for (const Claim& claim : entry.claims) {
    if (claim.access != Claim::Access::owns) continue;
    const ClaimedObject object = object_of(claim);
    const std::string thing = to_string(object);
    std::string print;
    if (entry.identity == settings_.identity) {
      Statement& known = database_->statement("SELECT fingerprint FROM things WHERE thing = ?").with(thing);
      if (known.step()) print = known.text(0);
      known.with();
    }
    if (print.empty()) print = fingerprint_of(object, entry.machine ? *entry.machine : machine_);
    all.set(thing, kept_text(print));
  }
  return to_json(all);
}

}  // namespace mlops
