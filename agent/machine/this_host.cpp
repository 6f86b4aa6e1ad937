#include "machine/this_host.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "base/person.hpp"
#include "domains/accounts/local.hpp"
#include "domains/query.hpp"
#include "machine/overlay.hpp"

namespace mlops {
namespace {

// Whether this process has exactly the groups that a new login would get: setgroups(2) is fixed at login.
bool groups_are_current(const ActingUser& self) {
  if (self.uid == 0) return true;
  std::vector<gid_t> have(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  have.resize(static_cast<std::size_t>(std::max(0, ::getgroups(static_cast<int>(have.size()), have.data()))));
  have.push_back(::getegid());
  const LocalAccounts accounts;
  const auto account = accounts.user(self.name);
  if (!account) return true;
  return std::all_of(account->groups.begin(), account->groups.end(), [&](const std::string& name) {
    const auto group = accounts.group(name);
    return !group || !group->gid || std::find(have.begin(), have.end(), *group->gid) != have.end();
  });
}

bool has_terminal() { return static_cast<bool>(Handle(::open("/dev/tty", O_RDWR | O_CLOEXEC))); }

bool changes_groups(const Action& action) { return traits_of(action).groups == Groups::changed; }

// Whether an action might be left incomplete. A download to a path that the user cannot write to is not
// fetched.
bool can_be_rehearsed(const Step& step) {
  const auto fetches = [](const Action& action) { return std::holds_alternative<Download>(action); };
  return (step.actions.size() > 1 || std::any_of(step.actions.begin(), step.actions.end(), fetches)) &&
         are_foreseen(step.actions);
}

}  // namespace

// One identity's machine: in this process if that is enough, else through the helper.
class ThisHost::Elevating : public AskedMachine<Elevating, Machine> {
 public:
  Elevating(ThisHost& host, Identity identity)
      : host_(host),
        identity_(std::move(identity)),
        local_(make_local_machine(settings(host, identity_), host.cancellation_, host.progress_)) {}

  // Reads with this process's privileges; where those are not enough, through the helper.
  template <class Query>
  typename Query::Result ask(const Query& query) const {
    return ask(query, DomainOf<Query>{});
  }

  // Without a journal: for work that belongs to no resource.
  void perform(std::span<const Action> actions) override {
    const LookAnew afterwards{host_};
    acting().perform(actions);
  }
  std::vector<std::optional<Error>> perform_together(std::span<const std::span<const Action>> lists) override {
    const LookAnew afterwards{host_};
    return acting().perform_together(lists);
  }
  void invalidate_caches() override { local_->invalidate_caches(); }

  // With the privileges of this process only.
  const Machine& local() const { return *local_; }

  std::vector<std::optional<Error>> perform_steps(std::span<const Step> given) {
    std::deque<std::vector<Action>> copies;
    std::vector<Step> steps(given.begin(), given.end());
    if (host_.path_.contains(identity_))
      for (Step& step : steps)
        if (std::any_of(step.actions.begin(), step.actions.end(), runs_command))
          step.actions = with_path(step, copies);
    const LookAnew afterwards{host_};
    for (const Step& step : steps)
      for (const Action& action : step.actions)
        if (const auto* removed = std::get_if<RemoveUser>(&action)) host_.dismiss({removed->name});
    const auto errors = begun(steps);
    for (const Step& step : steps)
      if (std::any_of(step.actions.begin(), step.actions.end(), changes_groups)) host_.groups_changed();
    return errors;
  }

 private:
  // A step of several actions is not begun if one of them is bound to fail: it would be left incomplete.
  std::vector<std::optional<Error>> begun(const std::vector<Step>& steps) {
    std::vector<std::optional<Error>> errors;
    std::vector<Step> rest;
    for (const Step& step : steps) {
      errors.push_back(can_be_rehearsed(step) ? rehearsed(step) : std::nullopt);
      if (!errors.back()) rest.push_back(step);
    }
    if (rest.empty()) return errors;
    auto performed = written_down(rest);
    auto next = performed.begin();
    for (auto& error : errors)
      if (!error) error = std::move(*next++);
    return errors;
  }
  std::optional<Error> rehearsed(const Step& step) try {
    make_overlay_host(host_, {host_.self_.name}, host_.settings_.person.name)
        ->as(identity_)
        .perform(step.actions);
    return std::nullopt;
  } catch (const Error& e) {
    return e;
  } catch (const Unknown&) {
    return std::nullopt;
  }
  static bool runs_command(const Action& action) { return std::holds_alternative<RunCommand>(action); }
  std::span<const Action> with_path(const Step& step, std::deque<std::vector<Action>>& copies) const {
    std::vector<Action>& copy = copies.emplace_back(step.actions.begin(), step.actions.end());
    for (Action& action : copy)
      if (auto* run = std::get_if<RunCommand>(&action)) run->command = with_path(run->command);
    return copy;
  }
  // In the journal of the acting identity, and, if that is not the starter's, also in the starter's.
  std::vector<std::optional<Error>> written_down(std::span<const Step> steps) {
    Journal* const own = host_.journal_.get();
    if (host_.acts_here(identity_)) return mlops::perform_steps(steps, *local_, own);
    HelperMachine& helper = *host_.helper(identity_).machine;
    if (own) own->announce(steps, identity_.user);
    auto errors = helper.perform_steps(steps);
    if (own) own->end(steps, errors);
    return errors;
  }

  // The others must see what one identity did.
  struct LookAnew {
    ThisHost& host;
    ~LookAnew() {
      for (const auto& [identity, machine] : host.machines_) machine->invalidate_caches();
    }
  };
  static LocalSettings settings(const ThisHost& host, const Identity& identity) {
    const ActingUser who = acting_user(identity.user);
    return {who, host.settings_.mirror, cache_folder(who), host.settings_.person.uid};
  }
  Machine& acting() const { return host_.acts_here(identity_) ? *local_ : *host_.helper(identity_).machine; }
  Command with_path(Command command) const {
    if (const auto own = host_.path_.find(identity_); own != host_.path_.end())
      command.path.insert(command.path.begin(), own->second.begin(), own->second.end());
    return command;
  }

  bool reads_here() const { return host_.acts_here(identity_); }
  // Through the helper. If there is none, the result is unknown: "needs root to read /etc/shadow".
  template <class Query>
  typename Query::Result ask_helper(const Query& query, const std::string& purpose) const try {
    return answer(query, *host_.helper(identity_).machine);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::privilege) throw;
    throw Unknown{{}, fmt::format("needs {} to {}", identity_.user, purpose)};
  }

  // Whatever anybody may read.
  template <class Query, class Domain>
  typename Query::Result ask(const Query& query, Domain) const {
    return answer(query, *local_);
  }
  // Paths that are unsafe for root to follow for another user are not a danger to that user.
  template <class Query>
  typename Query::Result ask(const Query& query, FilesDomain) const {
    try {
      return answer(query, *local_);
    } catch (const Error& e) {
      const bool others = e.kind() == ErrorKind::unsafe_path && identity_.user != "root";
      if ((e.kind() != ErrorKind::denied && !others) || reads_here()) throw;
    }
    return ask_helper(query, "read " + query.path);
  }
  // Without a bus only root can ask systemd.
  Unit ask(const ReadUnit& query, ServicesDomain) const {
    try {
      return answer(query, *local_);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::denied || reads_here()) throw;
    }
    return ask_helper(query, "ask systemd for " + query.name);
  }
  std::string ask(const ReadLog& query, ServicesDomain) const {
    return reads_here() ? answer(query, *local_) : answer(query, acting());
  }
  // Who is not in the daemon's group may not ask it.
  std::optional<ContainerImage> ask(const FindImage& query, ContainersDomain) const {
    try {
      return answer(query, *local_);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::denied || reads_here()) throw;
    }
    return ask_helper(query, "ask the daemon at " + query.socket);
  }
  // Root may read a person's tunnels, not vice versa.
  template <class Query>
  typename Query::Result ask(const Query& query, TunnelsDomain) const {
    if (host_.self_.uid == 0 || host_.self_.name == identity_.user) return answer(query, *local_);
    return ask_helper(query, "look at tunnels");
  }
  // The owner of the program may be visible to another identity only; it is not important enough to fail.
  std::optional<Listener> ask(const ReadListenerAt& query, NetworkDomain) const {
    auto found = answer(query, *local_);
    if (!found || found->pid || reads_here()) return found;
    try {
      return answer(query, *host_.helper(identity_).machine);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::privilege) throw;
      return found;
    }
  }
  CommandResult ask(const RunGuard& query, CommandsDomain) const {
    const RunGuard prepared{with_path(query.command)};
    if (reads_here()) return answer(prepared, *local_);
    try {
      return answer(prepared, *host_.helper(identity_).machine);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::privilege || host_.may_ask()) throw;
      throw Unknown{{}, fmt::format("needs {} to run {}", identity_.user, query.command.argv.at(0))};
    }
  }
  std::optional<Error> ask(const CheckStart& query, CommandsDomain) const {
    return answer(CheckStart{with_path(query.command)}, *local_);
  }
  std::vector<std::string> ask(const ListPlaces& query, CommandsDomain) const {
    return answer(ListPlaces{with_path(query.command)}, *local_);
  }

  ThisHost& host_;
  Identity identity_;
  std::unique_ptr<Machine> local_;
};

ThisHost::ThisHost(ThisHostSettings settings, const Cancellation& cancellation, ProgressSink progress)
    : settings_(std::move(settings)), cancellation_(cancellation), progress_(std::move(progress)) {
  const Person self = effective_person();
  self_ = {self.name, self.home, self.shell, self.uid, self.gid};
}

ThisHost::~ThisHost() = default;

Machine& ThisHost::as(const Identity& identity) { return machine(identity); }

void ThisHost::require_right(const Identity& identity) const {
  if (settings_.sudo == ThisHostSettings::Sudo::never && self_.uid != 0 && identity.user != self_.name)
    throw Error("needs to run as " + identity.user + ", and --no-sudo was given", ErrorKind::privilege);
}

ThisHost::Elevating& ThisHost::machine(const Identity& identity) {
  const auto known = machines_.find(identity);
  if (known != machines_.end()) return *known->second;
  return *machines_.emplace(identity, std::make_unique<Elevating>(*this, identity)).first->second;
}

void ThisHost::add_to_path(const Identity& identity, const std::vector<std::string>& folders) {
  std::vector<std::string>& path = path_[identity];
  for (const std::string& folder : folders)
    if (std::find(path.begin(), path.end(), folder) == path.end()) path.insert(path.begin(), folder);
}

bool ThisHost::acts_here(const Identity& identity) {
  if (identity.user != self_.name) return false;
  if (!groups_current_) groups_current_ = groups_are_current(self_);
  return *groups_current_;
}

// A process keeps the groups that it was started with, so helpers of people are restarted when next needed.
void ThisHost::groups_changed() {
  groups_current_.reset();
  for (auto& [identity, helper] : helpers_)
    if (helper.ready && identity.user != "root" && identity.user != self_.name)
      conclude(identity, helper, "done");
  std::erase_if(helpers_, [](const auto& entry) { return entry.first.user != "root"; });
}

void ThisHost::dismiss(const Identity& identity) {
  const auto known = helpers_.find(identity);
  if (known == helpers_.end() || identity.user == self_.name) return;
  if (known->second.ready) conclude(identity, known->second, "done");
  helpers_.erase(known);
}

ThisHost::Helper& ThisHost::helper(const Identity& identity) {
  auto known = helpers_.find(identity);
  if (known == helpers_.end()) {
    // A refusal stands until the run may act: sudo is not asked for each unreadable file.
    if (const auto refused = refused_.find(identity); refused != refused_.end()) throw refused->second;
    try {
      known = helpers_.emplace(identity, Helper{start(identity), false}).first;
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::privilege) refused_.emplace(identity, e);
      throw;
    }
  }
  if (may_act() && !known->second.ready) make_ready(identity, known->second);
  return known->second;
}

void ThisHost::make_ready(const Identity& identity, Helper& helper) {
  const bool locked_here = lock_ && identity.user == self_.name;
  const ActingUser who = acting_user(identity.user);
  if (self_.uid == 0) make_lock_folder(who.uid, who.gid, who.home);
  if (!locked_here) helper.machine->lock(run_.playbook, settings_.wait);
  helper.ready = true;
  if (settings_.journals && self_.uid == 0) settings_.journals->make_place(who);
  if (settings_.journals) add_earlier(believed(helper.machine->open_journal(run_), identity));
}

// Only once the run may act: what could not be read before shows as unknown until then.
bool ThisHost::may_ask() const {
  const bool somebody = settings_.password || has_terminal();
  return may_act() && settings_.sudo == ThisHostSettings::Sudo::ask && somebody;
}

std::unique_ptr<HelperMachine> ThisHost::start(const Identity& identity) {
  HelperSettings wanted{.user = identity.user,
                        .caller = self_.name,
                        .sudo = {},
                        .person = settings_.person.name,
                        .mirror = settings_.mirror,
                        .journal = settings_.journal,
                        .tell = settings_.tell};
  require_right(identity);
  if (self_.uid != 0) {
    wanted.sudo = {"sudo"};
    if (!may_ask() || settings_.password) wanted.sudo.emplace_back("-n");
  }
  try {
    return start_helper(wanted, cancellation_, progress_);
  } catch (Error& e) {
    if (e.kind() != ErrorKind::privilege || wanted.sudo.empty() || !settings_.password || !may_ask())
      throw e.while_doing("while becoming " + identity.user);
  }
  try {
    return start_with_password(std::move(wanted));
  } catch (Error& e) {
    throw e.while_doing("while becoming " + identity.user);
  }
}

// sudo asks for a password. The password is tested alone first: with a wrong one, sudo would read the helper's
// input as a password.
std::unique_ptr<HelperMachine> ThisHost::start_with_password(HelperSettings wanted) {
  constexpr int tries = 3;  // as sudo's own passwd_tries
  for (int i = 0; !password_; ++i) {
    const auto given = settings_.password(i > 0);
    if (!given) throw Error("sudo needs a password, and nobody gave it", ErrorKind::privilege);
    if (sudo_accepts(*given, wanted)) password_ = *given;
    if (!password_ && i + 1 == tries) throw Error("sudo did not accept the password", ErrorKind::privilege);
  }
  wanted.password = password_;
  return start_helper(wanted, cancellation_, progress_);
}

void ThisHost::look_back(const std::string& playbook_key) {
  if (settings_.journals) earlier_ = settings_.journals->earlier(self_, playbook_key, settings_.tell);
}

// A user's database is writable by that user: its records of other users' steps, and of runs, are ignored.
PriorRunState ThisHost::believed(PriorRunState told, const Identity& by) const {
  if (by.user == "root" || by.user == self_.name) return told;
  told.runs.clear();
  std::erase_if(told.steps, [&](const InterruptedStep& step) { return step.identity != by.user; });
  for (InterruptedStep& step : told.steps) step.told_by = by.user;
  return told;
}

// A step recorded in several databases counts once.
void ThisHost::add_earlier(PriorRunState more) {
  for (InterruptedStep& step : more.steps) {
    const auto known = std::find_if(earlier_.steps.begin(), earlier_.steps.end(),
                                    [&](const InterruptedStep& one) { return one.name == step.name; });
    if (known == earlier_.steps.end())
      earlier_.steps.push_back(std::move(step));
    else if (known->told_by && !step.told_by)
      *known = std::move(step);
  }
  for (InterruptedRun& run : more.runs) {
    const auto known = std::find_if(earlier_.runs.begin(), earlier_.runs.end(),
                                    [&](const InterruptedRun& one) { return one.id == run.id; });
    if (known == earlier_.runs.end()) earlier_.runs.push_back(std::move(run));
  }
}

void ThisHost::prepare(std::vector<Identity> identities, RunHeader run) {
  const Identity self{self_.name};
  if (std::find(identities.begin(), identities.end(), self) == identities.end()) identities.push_back(self);
  std::stable_partition(identities.begin(), identities.end(),
                        [](const Identity& i) { return i.user == "root"; });
  run_ = std::move(run);
  run_.starter = self_.name;
  refused_.clear();
  earlier_ = {};  // read again, now that no other run can write
  for (const Identity& identity : identities) {
    if (identity == self) {
      if (!lock_)
        lock_ = std::make_unique<RunLock>(cache_folder(self_), run_.playbook, cancellation_, progress_,
                                          settings_.wait);
      if (settings_.journals && !journal_) {
        journal_ = settings_.journals->of(self_, settings_.person.uid, machine(self).local(), settings_.tell);
        PriorRunState mine = journal_->open(run_);
        earlier_.notifications = std::move(mine.notifications);
        earlier_.listed = mine.listed;
        add_earlier(std::move(mine));
      }
    }
    if (!acts_here(identity)) helper(identity);
  }
}

void ThisHost::record_found(RunHeader run, std::vector<LedgerEntry> entries, std::uint64_t digest) {
  if (!settings_.journals) return;
  std::unique_ptr<RunLock> lock;
  try {
    lock = std::make_unique<RunLock>(cache_folder(self_), run.playbook, cancellation_, progress_);
  } catch (const Error&) {
    return;
  }
  try {
    run.starter = self_.name;
    const auto journal =
        settings_.journals->of(self_, settings_.person.uid, machine({self_.name}).local(), settings_.tell);
    journal->open(run);
    journal->account(std::move(entries), digest);
    journal->conclude("done", "");
  } catch (const Error& e) {
    if (settings_.tell) settings_.tell(fmt::format("converged resources could not be recorded: {}", e.what()));
  }
}

std::vector<std::optional<Error>> ThisHost::perform(const Identity& identity, std::span<const Step> steps) {
  return machine(identity).perform_steps(steps);
}

void ThisHost::mark_recovered(const Identity& identity, const std::vector<StepName>& steps) {
  if (journal_) journal_->mark_recovered(steps);
  if (settings_.journals && identity.user != self_.name && may_act())
    helper(identity).machine->mark_recovered(steps);
}

void ThisHost::delivered(const std::string& target) {
  if (journal_) journal_->delivered(target);
}

void ThisHost::conclude(const Identity& identity, Helper& helper, const std::string& outcome) {
  try {
    helper.machine->conclude(outcome);
  } catch (Error& e) {
    if (settings_.tell) settings_.tell(e.while_doing("while concluding as " + identity.user).what());
  }
}

// The starter's comes last: it records the outcome of the whole run.
void ThisHost::conclude(const std::string& outcome, const std::string& counts, std::vector<LedgerEntry> entries,
                        std::optional<std::uint64_t> digest) {
  if (!journal_) return;
  try {
    journal_->account(std::move(entries), digest);
  } catch (const Error& e) {
    if (settings_.tell) settings_.tell(e.what());
  }
  for (auto& [identity, helper] : helpers_)
    if (helper.ready && identity.user != self_.name) conclude(identity, helper, outcome);
  journal_->conclude(outcome, counts);
  journal_.reset();
}

}  // namespace mlops
