#include "hosts/prune_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hosts/prune_packages.hpp"
#include "machine/local.hpp"
#include "machine/person.hpp"
#include "state/capture_before.hpp"
#include "state/mark.hpp"
#include "state/state_database.hpp"
#include "state/state_folder.hpp"

namespace mlops {
namespace {

// Of who acts in this process; "" where there is none.
std::string own_state_folder(const std::string& given) {
  return find_state_folder(state_folder(acting_user(effective_person().name), given));
}

std::unique_ptr<Database> open_state(const std::string& given, StateDatabaseSettings::For use) {
  const std::string folder = own_state_folder(given);
  if (folder.empty()) return nullptr;
  return open_state_database({folder, use, {}, {}});
}

// Things as claims have them: a tree is its path.
std::string plain(const std::string& thing) { return thing.starts_with("tree ") ? "path " + thing.substr(5) : thing; }
std::string shown(const std::string& thing) {
  const std::string text = plain(thing);
  return text.starts_with("path ") ? text.substr(5) : text;
}

// Literal text for a playbook.
Value escaped(const Value& v) {
  if (v.is_string()) {
    std::string text = v.as_string();
    for (std::size_t at = text.find("{{"); at != std::string::npos; at = text.find("{{", at + 4)) text.insert(at, "{{");
    return Value(std::move(text));
  }
  if (v.is_array()) {
    Value::Array items;
    for (const Value& item : v.as_array()) items.push_back(escaped(item));
    return Value(std::move(items));
  }
  if (!v.is_object()) return v;
  Value all{Value::Object{}};
  for (const auto& member : v.as_object()) all.set(member.key, escaped(member.value));
  return all;
}

bool is_service(const std::string& thing) { return thing.starts_with("service "); }

// A unit that neither runs nor starts at boot has nothing that could be taken back.
bool is_gone(const std::string& thing, const MachineReader& machine) {
  const std::string print = fingerprint_of(thing, machine);
  return print == "absent" || (is_service(thing) && print == "inactive, not enabled");
}

bool is_gone(const Owned& owned, const MachineReader& machine) {
  return owned.edits.empty() && !owned.owns.empty() &&
         std::all_of(owned.owns.begin(), owned.owns.end(),
                     [&](const std::string& thing) { return is_gone(thing, machine); });
}

std::string why_it_stays(const Owned& owned, Database& database, const MachineReader& machine) {
  if (!owned.removal.is_object()) return "nothing is known that takes it away";
  for (const auto* things : {&owned.owns, &owned.edits})
    for (const std::string& thing : *things)
      if (const std::string other = other_owner(database, thing, owned.playbook_key); !other.empty())
        return fmt::format("{} is also of the playbook {}", shown(thing), other);
  for (const auto& [thing, print] : owned.fingerprint)
    // A service that was stopped meanwhile is stopped all the same.
    if (!print.empty() && !is_service(thing) && fingerprint_of(thing, machine) != print) return shown(thing) + " was changed since";
  return "";
}

constexpr std::string_view package = "package ";

// Its packages that are not held: those that may go, and those that stay, each part with its share of the resource.
void add_packages(Owned owned, const HeldByPlaybook& held, Database& database, const MachineReader& machine,
                  std::vector<Stale>& list) {
  std::vector<std::string> names;
  for (const std::string& thing : owned.owns)
    if (thing.starts_with(package) && !held.has(thing)) names.push_back(thing.substr(package.size()));
  const PackagesToPrune chosen = choose_packages(std::move(names), machine.packages(), [&](const std::string& name) {
    const std::string other = other_owner(database, std::string(package) + name, owned.playbook_key);
    return other.empty() ? "" : fmt::format("it is also of the playbook {}", other);
  });
  std::string why;
  std::vector<std::string> keeps;
  for (const auto& [name, reason] : chosen.stay) {
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", name, reason);
    keeps.push_back(std::string(package) + name);
  }
  if (!chosen.go.empty()) {
    Stale going{owned, "", keeps};
    Value::Array going_names(chosen.go.begin(), chosen.go.end());
    going.owned.removal.set("names", std::move(going_names));
    list.push_back(std::move(going));
  }
  if (!why.empty()) list.push_back({std::move(owned), std::move(why), {}});
}

}  // namespace

void HeldByPlaybook::take(const Event& event) {
  const auto* e = std::get_if<ResourceFinished>(&event);
  if (!e) return;
  labels_.push_back(e->label);
  if (e->outcome == Outcome::skipped || e->outcome == Outcome::failed || e->outcome == Outcome::unknown)
    vague_.push_back(e->label);
}

void HeldByPlaybook::order() {
  std::sort(labels_.begin(), labels_.end());
  std::sort(claimed_.begin(), claimed_.end());
}

bool HeldByPlaybook::has(const Owned& owned) const {
  if (std::binary_search(labels_.begin(), labels_.end(), owned.resource)) return true;
  // One of a for_each that was not gone through has the label of the whole, and its key.
  if (std::any_of(vague_.begin(), vague_.end(), [&](const std::string& label) {
        return owned.declared == label || owned.declared.starts_with(label + "[");
      }))
    return true;
  const auto claims = [&](const std::string& thing) { return has(thing); };
  // Packages are told and removed one by one.
  if (owned.type == "package" && !owned.owns.empty()) return std::all_of(owned.owns.begin(), owned.owns.end(), claims);
  return std::any_of(owned.owns.begin(), owned.owns.end(), claims) ||
         (owned.owns.empty() && !owned.edits.empty() && std::all_of(owned.edits.begin(), owned.edits.end(), claims));
}

bool HeldByPlaybook::has(const std::string& thing) const {
  return std::binary_search(claimed_.begin(), claimed_.end(), plain(thing));
}

std::vector<Stale> find_stale(const std::string& given, const std::string& playbook_key, std::uint64_t digest,
                              HeldByPlaybook& held, Host& host) {
  std::vector<Stale> list;
  SettledMark mark;
  const std::string folder = own_state_folder(given);
  const bool settled = !folder.empty() && read_mark(folder, mark) == MarkState::settled;
  if (settled && digest != 0 && mark.playbooks[playbook_key] == digest_text(digest)) return list;
  const auto database = open_state(given, StateDatabaseSettings::For::reading);
  if (!database) return list;
  held.order();
  for (Owned& owned : ledger_of(*database, playbook_key)) {
    if (!owned.created || held.has(owned)) continue;
    try {
      const Machine& machine = host.as({owned.identity});
      if (is_gone(owned, machine)) continue;
      if (owned.type == "package" && owned.removal.is_object()) {
        add_packages(owned, held, *database, machine, list);
        continue;
      }
      std::string stays = why_it_stays(owned, *database, machine);
      list.push_back({std::move(owned), std::move(stays), {}});
    } catch (const Error& e) {
      list.push_back({std::move(owned), e.what(), {}});
    } catch (const Unknown& unknown) {
      list.push_back({std::move(owned), unknown.reason, {}});
    }
  }
  return list;
}

std::string removing_playbook(const std::vector<Stale>& stale, const std::string& person) {
  Value::Array resources;
  for (const Stale& one : stale) {
    if (!one.stays.empty()) continue;
    Value resource = escaped(one.owned.removal);
    if (one.owned.identity != "root" && one.owned.identity != person) resource.set("as", one.owned.identity);
    resources.push_back(std::move(resource));
  }
  if (resources.empty()) return "";
  Value playbook;
  playbook.set("resources", std::move(resources));
  return to_json(playbook, 2);
}

FileBeside TextInsteadOfFile::read(const std::string& path, bool content, std::uint64_t limit) const {
  if (path != path_) return files_on_disk().read(path, content, limit);
  FileBeside file;
  file.size = text_.size();
  if (content && file.size <= limit) file.content = text_;
  return file;
}

FileBeside TextInsteadOfFile::whole(const std::string& path) const {
  if (path != path_) return files_on_disk().whole(path);
  FileBeside file;
  file.content = text_;
  return file;
}

void forget_stale(const std::string& given, const std::vector<Stale>& removed) {
  const auto database = open_state(given, StateDatabaseSettings::For::writing);
  if (!database) return;
  Transaction transaction(*database);
  for (const Stale& one : removed) {
    if (!one.keeps.empty()) {
      Value::Array claims;
      for (const std::string& thing : one.keeps) claims.emplace_back("owns " + thing);
      Value removal = one.owned.removal;
      Value::Array names;
      for (const std::string& thing : one.keeps) names.emplace_back(thing.substr(package.size()));
      removal.set("names", std::move(names));
      database->statement("UPDATE ledger SET claims = ?, removal = ? WHERE playbook_key = ? AND resource = ?")
          .with(to_json(Value(std::move(claims))), to_json(removal), one.owned.playbook_key, one.owned.resource)
          .run();
      continue;
    }
    database->statement("DELETE FROM ledger WHERE playbook_key = ? AND resource = ?")
        .with(one.owned.playbook_key, one.owned.resource)
        .run();
  }
  transaction.commit();
}

}  // namespace mlops
