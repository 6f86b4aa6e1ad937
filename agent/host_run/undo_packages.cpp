#include "host_run/undo_packages.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/contains.hpp"
#include "base/error.hpp"
#include "base/short_list.hpp"
#include "host_run/undo_changes.hpp"

namespace mlops {
namespace {

// Package names that were requested explicitly, without versions.
std::vector<std::string> asked_for(const RecordedStep& step) {
  std::vector<std::string> names;
  for (const auto& action : step.actions)
    if (const auto* install = action ? std::get_if<InstallPackages>(&*action) : nullptr)
      for (const std::string& wanted : install->wanted) names.push_back(wanted.substr(0, wanted.find('=')));
  return names;
}

// What apt would remove beyond the given names.
std::vector<std::string> also_removed(const PackageReader& packages, const std::vector<std::string>& names) {
  std::vector<std::string> others;
  for (const PackageChange& change : packages.forecast_removal(names).changes)
    if (change.version_after.empty() && !contains(names, change.name)) others.push_back(change.name);
  return others;
}

[[noreturn]] void refuse(const std::string& removed, const std::vector<std::string>& others) {
  throw Error(fmt::format("removing {} would also remove {}, which this run did not install", removed,
                          short_list(others)));
}

// Takes packages out of the removal that are no longer installed, and returns them.
std::vector<std::string> take_gone(RemovePackages& remove, const PackageReader& packages) {
  std::vector<std::string> gone;
  std::erase_if(remove.names, [&](const std::string& name) {
    const auto found = packages.installed(name);
    const bool there =
        found && found->state != PackageState::absent && found->state != PackageState::config_files;
    if (!there) gone.push_back(name);
    return !there;
  });
  return gone;
}

// Takes packages out of the removal that others need; a requested one must not be among them.
void take_needed(RemovePackages& remove, const std::vector<std::string>& wanted, const PackageReader& packages,
                 std::vector<Change>& changes) {
  if (remove.names.empty() || also_removed(packages, remove.names).empty()) return;
  std::vector<std::string> needed;
  for (const std::string& name : remove.names) {
    std::vector<std::string> others = also_removed(packages, {name});
    std::erase_if(others, [&](const std::string& other) { return contains(remove.names, other); });
    if (others.empty()) continue;
    if (contains(wanted, name)) refuse(name, others);
    needed.push_back(name);
  }
  std::erase_if(remove.names, [&](const std::string& name) { return contains(needed, name); });
  if (const auto others = also_removed(packages, remove.names); !others.empty())
    refuse(short_list(remove.names), others);
  std::erase_if(changes, [&](const Change& c) {
    return std::any_of(needed.begin(), needed.end(), [&](const auto& n) { return c.property == "+" + n; });
  });
}

// Configuration files are removed with a package that this run installed, as they did not exist before; but
// never files that a person wrote, nor those that the package's own script would remove, such as its data.
// Returns a note on what stays; "" for nothing.
std::string choose_purged(const UndoItem& item, RemovePackages& remove,
                          const std::vector<std::string>& restored, const PackageReader& packages) {
  std::vector<std::string> configured, stay;
  for (const Before& before : item.step.before)
    configured.insert(configured.end(), before.configured.begin(), before.configured.end());
  remove.purged.clear();
  for (const std::string& name : remove.names) {
    PurgeLoss loss = packages.purge_loss(name);
    std::erase_if(loss.changed, [&](const std::string& path) { return contains(restored, path); });
    if (contains(configured, name))
      continue;
    else if (loss.script)
      stay.push_back(name + ", whose own script may remove data with them");
    else if (!loss.changed.empty())
      stay.push_back(name + ", changed since: " + short_list(loss.changed));
    else
      remove.purged.push_back(name);
  }
  return stay.empty() ? "" : "configuration files stay of " + short_list(stay);
}

}  // namespace

std::string narrow_removals(UndoItem& item, const std::vector<std::string>& restored, const Machine& machine,
                            std::vector<Change>& changes) {
  std::string note;
  const PackageReader& packages = machine.packages();
  for (Action& action : item.inverse.actions) {
    auto* remove = std::get_if<RemovePackages>(&action);
    if (!remove) continue;
    const std::vector<std::string> gone = take_gone(*remove, packages);
    take_needed(*remove, asked_for(item.step), packages, changes);
    std::erase_if(remove->expected, [&](const PackageChange& c) { return !contains(remove->names, c.name); });
    if (std::string stays = choose_purged(item, *remove, restored, packages); !stays.empty())
      note = std::move(stays);
    name_removals(changes, *remove, gone, packages);
  }
  return note;
}

}  // namespace mlops
