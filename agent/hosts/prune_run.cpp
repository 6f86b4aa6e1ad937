#include "hosts/prune_run.hpp"

#include <fmt/format.h>

#include <algorithm>

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

bool is_gone(const Owned& owned, const MachineReader& machine) {
  return owned.edits.empty() && !owned.owns.empty() &&
         std::all_of(owned.owns.begin(), owned.owns.end(),
                     [&](const std::string& thing) { return fingerprint_of(thing, machine) == "absent"; });
}

std::string why_it_stays(const Owned& owned, Database& database, const MachineReader& machine) {
  if (!owned.removal.is_object()) return "nothing is known that takes it away";
  for (const auto* things : {&owned.owns, &owned.edits})
    for (const std::string& thing : *things)
      if (const std::string other = other_owner(database, thing, owned.playbook_key); !other.empty())
        return fmt::format("{} is also of the playbook {}", shown(thing), other);
  for (const auto& [thing, print] : owned.fingerprint)
    if (!print.empty() && fingerprint_of(thing, machine) != print) return shown(thing) + " was changed since";
  return "";
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
  const auto claims = [&](const std::string& thing) {
    return std::binary_search(claimed_.begin(), claimed_.end(), plain(thing));
  };
  return std::any_of(owned.owns.begin(), owned.owns.end(), claims) ||
         (owned.owns.empty() && !owned.edits.empty() && std::all_of(owned.edits.begin(), owned.edits.end(), claims));
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
      std::string stays = why_it_stays(owned, *database, machine);
      list.push_back({std::move(owned), std::move(stays)});
    } catch (const Error& e) {
      list.push_back({std::move(owned), e.what()});
    } catch (const Unknown& unknown) {
      list.push_back({std::move(owned), unknown.reason});
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
  for (const Stale& one : removed)
    database->statement("DELETE FROM ledger WHERE playbook_key = ? AND resource = ?")
        .with(one.owned.playbook_key, one.owned.resource)
        .run();
  transaction.commit();
}

}  // namespace mlops
