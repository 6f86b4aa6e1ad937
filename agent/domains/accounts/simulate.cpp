// Reads of and actions on users and groups in a plan, on their overlay.
#include "domains/accounts/overlay.hpp"
#include "domains/simulation.hpp"

namespace mlops {
namespace {

OverlayAccounts& accounts_of(Simulation& s) { return s.host.overlay<OverlayAccounts>(); }

}  // namespace

ReadUser::Result simulated(const ReadUser& q, Simulation& s) {
  s.host.need_foresight();
  auto found = q.ask(accounts_of(s));
  if (!found && !accounts_of(s).touched_user(q.name)) s.host.await(s.host.installing);
  return found;
}
ReadGroup::Result simulated(const ReadGroup& q, Simulation& s) {
  s.host.need_foresight();
  auto found = q.ask(accounts_of(s));
  if (!found && !accounts_of(s).touched_group(q.name)) s.host.await(s.host.installing);
  return found;
}
ReadUserById::Result simulated(const ReadUserById& q, Simulation& s) {
  s.host.need_foresight();
  return q.ask(accounts_of(s));
}
ReadGroupById::Result simulated(const ReadGroupById& q, Simulation& s) {
  s.host.need_foresight();
  return q.ask(accounts_of(s));
}

void simulate(const CreateGroup& a, Simulation& s) { accounts_of(s).apply(a); }
void simulate(const ChangeGroup& a, Simulation& s) { accounts_of(s).apply(a); }
void simulate(const RemoveGroup& a, Simulation& s) { accounts_of(s).apply(a); }
void simulate(const CreateUser& a, Simulation& s) { accounts_of(s).apply(a); }
void simulate(const ChangeUser& a, Simulation& s) { accounts_of(s).apply(a); }
void simulate(const RemoveUser& a, Simulation& s) { accounts_of(s).apply(a); }
void simulate(const ChangeMembership& a, Simulation& s) { accounts_of(s).apply(a); }

}  // namespace mlops
