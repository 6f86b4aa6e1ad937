#include "engine/identity.hpp"

#include <fmt/format.h>

#include "domains/files/paths.hpp"
#include "domains/files/trusted_folder.hpp"

namespace mlops {
namespace {

constexpr std::uint32_t sticky = 01000, others_write = 0002;

}  // namespace

// The deepest existing ancestor decides.
bool IdentityRules::person_may_write(const std::string& folder) {
  if (const auto known = folders_.find(folder); known != folders_.end()) return known->second;
  const FileReader& files = host_.as(caller_).files();
  bool may = false;
  try {
    const auto real = files.resolve(folder);
    const auto status = real ? files.status(*real) : std::nullopt;
    if (status)
      may = status->owner == person_.name || ((status->mode & sticky) && (status->mode & others_write));
    else
      may = folder != "/" && person_may_write(std::string(folder_of(folder)));
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::denied && e.kind() != ErrorKind::unsafe_path) throw;
  } catch (const Unknown&) {
    // Created by a program that has not run: whoever creates it will own it. Who may write to its ancestors is
    // known.
    may = folder != "/" && person_may_write(std::string(folder_of(folder)));
  }
  return folders_[folder] = may;
}

Identity IdentityRules::decide(const Actor& actor, const std::string& as) {
  if (!as.empty()) return {as};
  const Identity root{"root"}, person{person_.name};
  switch (actor.kind) {
    case Actor::Kind::root:
      return root;
    case Actor::Kind::person:
      return person;
    case Actor::Kind::path:
    case Actor::Kind::tree:
      break;
  }
  if (!actor.owner.empty() && actor.owner != person_.name) return root;
  if (person_may_write(std::string(folder_of(actor.path)))) return person;
  return actor.kind == Actor::Kind::tree ? owner_of_folder(actor.path) : root;
}

// The owner of the deepest existing ancestor; root where that cannot be read.
Identity IdentityRules::owner_of_folder(const std::string& path) {
  const FileReader& files = host_.as(caller_).files();
  try {
    for (std::string folder(folder_of(path));; folder = folder_of(folder)) {
      const auto real = files.resolve(folder);
      if (const auto status = real ? files.status(*real) : std::nullopt) return {status->owner};
      if (folder == "/") break;
    }
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::denied && e.kind() != ErrorKind::unsafe_path) throw;
  } catch (const Unknown&) {
  }
  return {"root"};
}

void IdentityRules::require_trusted(const Actor& actor, const Identity& identity) {
  if (actor.kind != Actor::Kind::tree || identity.user != "root") return;
  try {
    const std::string folder(folder_of(actor.path));
    if (const auto why = distrust_folder(host_.as(identity).files(), folder))
      throw Error(fmt::format("root runs no programs in a folder that others may write to: {}; name the user "
                              "to run as with `as`",
                              *why),
                  ErrorKind::unsafe_path);
  } catch (const Unknown&) {
    // What a program has yet to create is checked after it was created.
  }
}

Identity IdentityRules::decide_to_change(const Actor& actor, const std::string& as, const Identity& decided) {
  if (!as.empty() || actor.kind != Actor::Kind::path || decided.user == "root") return decided;
  try {
    const auto status = host_.as(caller_).files().status(actor.path);
    if (status && status->owner != person_.name) return {"root"};
  } catch (const Unknown&) {
  }
  return decided;
}

}  // namespace mlops
