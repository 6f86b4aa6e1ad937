// Reads and actions on files in a plan, on their overlay.
#include <algorithm>
#include <array>
#include <string_view>

#include "domains/accounts/overlay.hpp"
#include "domains/cloud/overlay.hpp"
#include "domains/files/overlay.hpp"
#include "domains/files/paths.hpp"
#include "domains/files/simulate.hpp"
#include "domains/packages/overlay.hpp"
#include "domains/simulation.hpp"

namespace mlops {
namespace {

// Where packages put files and their scripts create them (Filesystem Hierarchy Standard 3.0).
bool belongs_to_packages(std::string_view path) {
  static constexpr std::array folders{"/etc",  "/usr", "/lib", "/lib64", "/bin",
                                      "/sbin", "/opt", "/var", "/boot"};
  return std::any_of(folders.begin(), folders.end(),
                     [&](const char* folder) { return is_within(path, folder); });
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// sources.list(5)
bool is_list_of_sources(std::string_view path) {
  return path == "/etc/apt/sources.list" || is_within(path, "/etc/apt/sources.list.d");
}

OverlayFiles& files_of(Simulation& s) { return s.host.overlay<OverlayFiles>(); }
OverlayAccounts& accounts_of(Simulation& s) { return s.host.overlay<OverlayAccounts>(); }

OverlayFiles::Base base_of(const Simulation& s) { return {s.real.files(), s.user == "root", s.host.person}; }

// As the real machine reports it; but packages installed by then may create accounts.
void need_accounts(const std::string& owner, const std::string& group, Simulation& s) {
  const OverlayAccounts& accounts = accounts_of(s);
  const bool has_owner = owner.empty() || is_number(owner) || accounts.user(owner);
  const bool has_group = group.empty() || is_number(group) || accounts.group(group);
  if ((has_owner && has_group) || !s.host.installing.empty()) return;
  if (!has_owner) throw Error("user `" + owner + "` does not exist", ErrorKind::unavailable);
  throw Error("group `" + group + "` does not exist", ErrorKind::unavailable);
}

OverlayFiles::Maker maker_of(Simulation& s) {
  const auto account = accounts_of(s).user(s.user);
  return {s.user,
          account ? account->group : s.user,
          s.host.label,
          s.user != "root",
          account ? account->groups : SimulatedHost::Labels(),
          [&s](const std::string& owner, const std::string& group) { need_accounts(owner, group, s); }};
}

// Adds the files in the archives of pending packages to the tree; false if there was nothing to add. Done
// lazily: reading an archive takes a while.
bool add_packaged_files(Simulation& s) {
  bool any = false;
  OverlayPackages& packages = s.host.overlay<OverlayPackages>();
  for (const OverlayPackages::Arriving& one : packages.take_arriving()) {
    const auto contents = packages.contents(one.name, one.version);
    for (const PackagedPath& packaged : contents.value_or(std::vector<PackagedPath>())) try {
        any = files_of(s).bring(packaged, s.real.files(), one.label) || any;
      } catch (const Error&) {
        // An error that stops this identity's read does not stop the real package system.
      }
  }
  return any;
}

// A path that is absent where packages put files may come with a pending package.
template <class Read>
auto read(const std::string& path, Simulation& s, const Read& read_overlay) {
  s.host.need_foresight();
  auto found = read_overlay();
  if (found || s.host.installing.empty() || !belongs_to_packages(path)) return found;
  if (add_packaged_files(s)) found = read_overlay();
  if (!found) s.host.await(s.host.installing);
  return found;
}

// Readers report owners by name, even if an action names them by number.
std::string owner_name(const std::string& owner, Simulation& s) {
  const OverlayAccounts& accounts = accounts_of(s);
  if (!is_number(owner) || accounts.user(owner)) return owner;
  const auto account =
      accounts.user_by_uid(static_cast<std::uint32_t>(std::strtoul(owner.c_str(), nullptr, 10)));
  return account ? account->name : owner;
}
std::string group_name(const std::string& group, Simulation& s) {
  const OverlayAccounts& accounts = accounts_of(s);
  if (!is_number(group) || accounts.group(group)) return group;
  const auto account =
      accounts.group_by_gid(static_cast<std::uint32_t>(std::strtoul(group.c_str(), nullptr, 10)));
  return account ? account->name : group;
}

// Files of a package exist before this action.
void expect_packaged_files(const std::string& path, Simulation& s) {
  OverlayPackages& packages = s.host.overlay<OverlayPackages>();
  if (packages.has_arriving() && belongs_to_packages(path)) add_packaged_files(s);
  if (is_list_of_sources(path)) packages.sources_changed();
}

template <class A>
void write(const A& a, Simulation& s) {
  expect_packaged_files(*target_path(a), s);
  files_of(s).apply(a, base_of(s), maker_of(s));
}
// The same for actions that may name an owner by number.
template <class A>
void write_owned(const A& a, Simulation& s) {
  std::string owner = owner_name(a.owner, s), group = group_name(a.group, s);
  if (owner == a.owner && group == a.group) return write(a, s);
  A named = a;
  named.owner = std::move(owner);
  named.group = std::move(group);
  write(named, s);
}

}  // namespace

ViewFile::Result simulated(const ViewFile& q, Simulation& s) {
  auto found = read(q.path, s, [&] { return files_of(s).view(base_of(s), q.path, q.content_limit); });
  if (found) {
    found->status.owner = accounts_of(s).left_owner(found->status.owner);
    found->status.group = accounts_of(s).left_group(found->status.group);
  }
  return found;
}
ListFolder::Result simulated(const ListFolder& q, Simulation& s) {
  return read(q.path, s, [&] { return files_of(s).list(base_of(s), q.path); });
}
ResolvePath::Result simulated(const ResolvePath& q, Simulation& s) {
  return read(q.path, s, [&] { return files_of(s).resolve(base_of(s), q.path); });
}
DigestFile::Result simulated(const DigestFile& q, Simulation& s) {
  return read(q.path, s, [&] { return files_of(s).sha256(base_of(s), q.path); });
}
ReadGrants::Result simulated(const ReadGrants& q, Simulation& s) {
  s.host.need_foresight();
  return files_of(s).grants(base_of(s), q.path);
}

void simulate(const WriteFile& a, Simulation& s) { write_owned(a, s); }
void simulate(const CreateSecret& a, Simulation& s) { write_owned(a, s); }
void simulate(const CreateSshKey& a, Simulation& s) {
  write_owned(a, s);
  s.host.overlay<OverlayCloud>().make_key(a.path,
                                          a.type == CreateSshKey::Type::rsa ? "ssh-rsa" : "ssh-ed25519");
}
void simulate(const CreateDirectory& a, Simulation& s) { write_owned(a, s); }
void simulate(const CreateLink& a, Simulation& s) { write_owned(a, s); }
void simulate(const SetAttributes& a, Simulation& s) { write_owned(a, s); }
void simulate(const RemovePath& a, Simulation& s) { write(a, s); }
void simulate(const RenamePath& a, Simulation& s) { write(a, s); }
void simulate(const RestorePath& a, Simulation& s) { write(a, s); }

void simulate_download(const Download& a, Simulation& s) { write_owned(a, s); }

void assume_made(const std::string& path, Simulation& s) {
  files_of(s).assume_made(path, base_of(s), maker_of(s));
}

bool is_changed(const std::string& path, Simulation& s) { return files_of(s).touched(base_of(s), path); }

bool may_be_made(const std::string& path, Simulation& s) try {
  OverlayFiles& files = files_of(s);
  return files.view(s.real.files(), files.resolve(s.real.files(), path).value_or(path), 0).has_value();
} catch (const Error&) {
  return true;  // cannot be known
} catch (const Unknown&) {
  return true;
}

}  // namespace mlops
