// The domain of accounts, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "domains/accounts/actions.hpp"
#include "domains/accounts/queries.hpp"
#include "domains/accounts/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

struct AccountsReplaced {
  std::optional<UserAccount> user;
  // of the name; of a user, the primary one, or, before it is created, that of its name
  std::optional<GroupAccount> group;
  std::vector<std::string> subuids, subgids;  // of a user, "FIRST:COUNT"
  static constexpr auto fields() {
    return std::tuple(field("user", &AccountsReplaced::user), field("group", &AccountsReplaced::group),
                      field("subuids", &AccountsReplaced::subuids),
                      field("subgids", &AccountsReplaced::subgids));
  }
  friend bool operator==(const AccountsReplaced&, const AccountsReplaced&) = default;
};

struct AccountsLocal;  // domains/accounts/local.hpp

struct AccountsDomain {
  using Reader = AccountReader;
  using Actions = AccountActions;
  using Queries = AccountQueries;
  using Replaced = AccountsReplaced;
  template <class Asker>
  using Asked = AskedAccounts<Asker>;
  using Local = AccountsLocal;
};

// The state of an object of one of its kinds, as one line; absent for other kinds.
std::optional<std::string> fingerprint(AccountsDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine);

// For undo; see domains/undo_parts.hpp.
void capture(const CreateGroup&, CaptureBefore&, Before&);
Inverse invert(const CreateGroup&, const Before&);
bool satisfied(const CreateGroup&, const MachineReader&);
void touch(const CreateGroup&, const Before&, Things&);
void capture(const ChangeGroup&, CaptureBefore&, Before&);
Inverse invert(const ChangeGroup&, const Before&);
bool satisfied(const ChangeGroup&, const MachineReader&);
void touch(const ChangeGroup&, const Before&, Things&);
void capture(const RemoveGroup&, CaptureBefore&, Before&);
Inverse invert(const RemoveGroup&, const Before&);
bool satisfied(const RemoveGroup&, const MachineReader&);
void touch(const RemoveGroup&, const Before&, Things&);
void capture(const CreateUser&, CaptureBefore&, Before&);
Inverse invert(const CreateUser&, const Before&);
bool satisfied(const CreateUser&, const MachineReader&);
void touch(const CreateUser&, const Before&, Things&);
void capture(const ChangeUser&, CaptureBefore&, Before&);
Inverse invert(const ChangeUser&, const Before&);
bool satisfied(const ChangeUser&, const MachineReader&);
void touch(const ChangeUser&, const Before&, Things&);
void capture(const RemoveUser&, CaptureBefore&, Before&);
Inverse invert(const RemoveUser&, const Before&);
bool satisfied(const RemoveUser&, const MachineReader&);
void touch(const RemoveUser&, const Before&, Things&);
void capture(const ChangeMembership&, CaptureBefore&, Before&);
Inverse invert(const ChangeMembership&, const Before&);
bool satisfied(const ChangeMembership&, const MachineReader&);
void touch(const ChangeMembership&, const Before&, Things&);
void add_leftovers(const OneOf<AccountActions> auto&, LeftoverSearch&) {}
const std::string* target_path(const OneOf<AccountActions> auto&) { return nullptr; }

// Records the result of a read, as far as it is not volatile.
void note(const ReadUser&, const ReadUser::Result&, Preconditions&);
void note(const ReadGroup&, const ReadGroup::Result&, Preconditions&);
void note(const ReadUserById&, const ReadUserById::Result&, Preconditions&);
void note(const ReadGroupById&, const ReadGroupById::Result&, Preconditions&);

// The result of a read after the simulated actions.
ReadUser::Result simulated(const ReadUser&, Simulation&);
ReadGroup::Result simulated(const ReadGroup&, Simulation&);
ReadUserById::Result simulated(const ReadUserById&, Simulation&);
ReadGroupById::Result simulated(const ReadGroupById&, Simulation&);

// Applies the action to the overlay, with the errors that the real machine would give.
void simulate(const CreateGroup&, Simulation&);
void simulate(const ChangeGroup&, Simulation&);
void simulate(const RemoveGroup&, Simulation&);
void simulate(const CreateUser&, Simulation&);
void simulate(const ChangeUser&, Simulation&);
void simulate(const RemoveUser&, Simulation&);
void simulate(const ChangeMembership&, Simulation&);

}  // namespace mlops
