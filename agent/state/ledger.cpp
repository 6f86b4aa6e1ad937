#include "state/ledger.hpp"

#include "state/json_value.hpp"

namespace mlops {
namespace {

void read_claims(const Value& list, Owned& into) {
  if (!list.is_array()) return;
  for (const Value& item : list.as_array()) {
    const auto claim = parse_claim(text_of(&item));
    if (claim && claim->access == Claim::Access::owns) into.owns.push_back(object_of(*claim));
    if (claim && claim->access == Claim::Access::edits) into.edits.push_back(object_of(*claim));
  }
}

}  // namespace

std::vector<Owned> ledger_of(Database& database, const std::string& playbook_key) {
  std::vector<Owned> list;
  Statement& row = database.statement(
      "SELECT resource, declared, type, identity, origin, since, made_by, claims, coalesce(removal, ''), "
      "coalesce(fingerprint, '') FROM ledger WHERE playbook_key = ? ORDER BY since DESC");
  for (row.with(playbook_key); row.step();) {
    Owned owned{.playbook_key = playbook_key,
                .resource = row.text(0),
                .declared = row.text(1),
                .type = row.text(2),
                .identity = row.text(3),
                .created = row.text(4) == "created",
                .since = row.integer(5),
                .made_by = row.text(6)};
    read_claims(parse_kept(row.text(7)), owned);
    owned.removal = parse_kept(row.text(8));
    const Value prints = parse_kept(row.text(9));
    if (prints.is_object())
      for (const auto& member : prints.as_object())
        if (const auto object = parse_object(member.key)) owned.fingerprint[*object] = text_of(&member.value);
    list.push_back(std::move(owned));
  }
  return list;
}

std::string other_owner(Database& database, const ClaimedObject& object, const std::string& playbook_key) {
  std::string owner;
  Statement& row = database.statement(
      "SELECT playbook_key FROM ledger, json_each(claims) WHERE playbook_key <> ? AND "
      "json_each.value IN ('owns ' || ?, 'edits ' || ?) LIMIT 1");
  const std::string thing = to_string(object);
  if (row.with(playbook_key, thing, thing).step()) owner = row.text(0);
  row.with();
  return owner;
}

void keep_disowned(Database& database, const std::string& run, const std::string& playbook_key,
                   const std::string& resource) {
  database
      .statement(
          "INSERT OR IGNORE INTO disowned (run, playbook_key, resource, declared, type, identity, origin, "
          "since, made_by, "
          "changed_by, claims, removal, fingerprint) SELECT ?, playbook_key, resource, declared, type, "
          "identity, origin, "
          "since, made_by, changed_by, claims, removal, fingerprint FROM ledger WHERE playbook_key = ? AND "
          "resource = ?")
      .with(run, playbook_key, resource)
      .run();
}

std::vector<std::string> own_again(Database& database, const std::string& run) {
  std::vector<std::string> keys;
  Statement& row = database.statement("SELECT DISTINCT playbook_key FROM disowned WHERE run = ?");
  for (row.with(run); row.step();) keys.push_back(row.text(0));
  // An existing entry may be what remains of the same one.
  database
      .statement(
          "INSERT INTO ledger (playbook_key, resource, declared, type, identity, origin, since, made_by, "
          "changed_by, claims, "
          "removal, fingerprint) SELECT playbook_key, resource, declared, type, identity, origin, since, "
          "made_by, "
          "changed_by, claims, removal, fingerprint FROM disowned WHERE run = ? "
          "ON CONFLICT (playbook_key, resource) DO UPDATE SET claims = excluded.claims, removal = "
          "excluded.removal, "
          "fingerprint = excluded.fingerprint WHERE made_by = excluded.made_by AND changed_by IS "
          "excluded.changed_by")
      .with(run)
      .run();
  return keys;
}

}  // namespace mlops
