#include "machine/this_host.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "base/person.hpp"
#include "domains/accounts/local.hpp"
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

bool changes_groups(const Action& action) {
  return std::holds_alternative<ChangeMembership>(action) || std::holds_alternative<ChangeUser>(action) ||
         std::holds_alternative<ChangeGroup>(action) || std::holds_alternative<RemoveGroup>(action) ||
         std::holds_alternative<CreateUser>(action);
}

// Whether an action might be left incomplete. A download to a path that the user cannot write to is not
// fetched.
bool can_be_rehearsed(const Step& step) {
  const auto fetches = [](const Action& action) { return std::holds_alternative<Download>(action); };
  return (step.actions.size() > 1 || std::any_of(step.actions.begin(), step.actions.end(), fetches)) &&
         are_foreseen(step.actions);
}

}  // namespace

// One identity's machine: in this process if that is enough, else through the helper.
class ThisHost::Elevating : public Machine,
                            FileReader,
                            ServiceReader,
                            CommandReader,
                            TunnelReader,
                            NetworkReader {
 public:
  Elevating(ThisHost& host, Identity identity)
      : host_(host),
        identity_(std::move(identity)),
        local_(make_local_machine(settings(host, identity_), host.cancellation_, host.progress_)) {}

  const FileReader& files() const override { return *this; }
  const AccountReader& accounts() const override { return local_->accounts(); }
  const PackageReader& packages() const override { return local_->packages(); }
  const ServiceReader& services() const override { return *this; }
  const CommandReader& commands() const override { return *this; }
  const DownloadReader& downloads() const override { return local_->downloads(); }
  const TunnelReader& tunnels() const override { return *this; }
  const NetworkReader& network() const override { return *this; }

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

  // Reads with this process's privileges; if those are not enough, through the helper; if there is none, the
  // result is unknown. Paths that are unsafe for root to follow for another user are not a danger to that user.
  template <class Read>
  auto read(const std::string& path, Read&& read) const {
    try {
      return read(local_->files());
    } catch (const Error& e) {
      const bool others = e.kind() == ErrorKind::unsafe_path && identity_.user != "root";
      if ((e.kind() != ErrorKind::denied && !others) || host_.acts_here(identity_)) throw;
    }
    try {
      return read(host_.helper(identity_).machine->files());
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::privilege) throw;
      throw Unknown{{}, fmt::format("needs {} to read {}", identity_.user, path)};
    }
  }
  std::optional<FileView> view(const std::string& path, std::uint64_t limit) const override {
    return read(path, [&](const FileReader& f) { return f.view(path, limit); });
  }
  std::optional<std::vector<std::string>> list(const std::string& path) const override {
    return read(path, [&](const FileReader& f) { return f.list(path); });
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    return read(path, [&](const FileReader& f) { return f.resolve(path); });
  }
  std::optional<Grants> grants(const std::string& path) const override {
    return read(path, [&](const FileReader& f) { return f.grants(path); });
  }
  std::optional<std::string> sha256(const std::string& path) const override {
    return read(path, [&](const FileReader& f) { return f.sha256(path); });
  }
  std::string log_since(const std::string& name, std::uint64_t since_us) const override {
    if (host_.acts_here(identity_)) return local_->services().log_since(name, since_us);
    return acting().services().log_since(name, since_us);
  }
  // Without a bus only root can ask systemd.
  Unit unit(const std::string& name) const override {
    try {
      return local_->services().unit(name);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::denied || host_.acts_here(identity_)) throw;
    }
    try {
      return host_.helper(identity_).machine->services().unit(name);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::privilege) throw;
      throw Unknown{{}, fmt::format("needs {} to ask systemd for {}", identity_.user, name)};
    }
  }
  // Root may read a person's tunnels, not vice versa.
  template <class Read>
  auto read_tunnels(Read&& read) const {
    if (host_.self_.uid == 0 || host_.self_.name == identity_.user) return read(local_->tunnels());
    try {
      return read(host_.helper(identity_).machine->tunnels());
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::privilege) throw;
      throw Unknown{{}, fmt::format("needs {} to look at tunnels", identity_.user)};
    }
  }
  std::optional<TunnelView> tunnel(const std::string& name) const override {
    return read_tunnels([&](const TunnelReader& t) { return t.tunnel(name); });
  }
  std::optional<std::string> listener(const Endpoint& place) const override {
    return read_tunnels([&](const TunnelReader& t) { return t.listener(place); });
  }
  // The owner of the program may be visible to another identity only; it is not important enough to fail.
  std::optional<Listener> listener_at(const std::string& address, std::uint16_t port) const override {
    auto found = local_->network().listener_at(address, port);
    if (!found || found->pid || host_.acts_here(identity_)) return found;
    try {
      return host_.helper(identity_).machine->network().listener_at(address, port);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::privilege) throw;
      return found;
    }
  }
  std::optional<int> http_status(const HttpGet& get) const override {
    return local_->network().http_status(get);
  }
  CommandResult run(const Command& command) const override {
    const Command prepared = with_path(command);
    if (host_.acts_here(identity_)) return local_->commands().run(prepared);
    try {
      return host_.helper(identity_).machine->commands().run(prepared);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::privilege || host_.may_ask()) throw;
      throw Unknown{{}, fmt::format("needs {} to run {}", identity_.user, command.argv.at(0))};
    }
  }

  std::optional<Error> cannot_start(const Command& command) const override {
    return local_->commands().cannot_start(with_path(command));
  }
  std::vector<std::string> places(const Command& command) const override {
    return local_->commands().places(with_path(command));
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
    throw Error("needs the right to act as " + identity.user + ", and --no-sudo was given",
                ErrorKind::privilege);
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
  std::erase_if(told.steps, [&](const CutOff& step) { return step.identity != by.user; });
  for (CutOff& step : told.steps) step.told_by = by.user;
  return told;
}

// A step recorded in several databases counts once.
void ThisHost::add_earlier(PriorRunState more) {
  for (CutOff& step : more.steps) {
    const auto known = std::find_if(earlier_.steps.begin(), earlier_.steps.end(),
                                    [&](const CutOff& one) { return one.name == step.name; });
    if (known == earlier_.steps.end())
      earlier_.steps.push_back(std::move(step));
    else if (!known->told_by.empty() && step.told_by.empty())
      *known = std::move(step);
  }
  for (CutOffRun& run : more.runs) {
    const auto known = std::find_if(earlier_.runs.begin(), earlier_.runs.end(),
                                    [&](const CutOffRun& one) { return one.id == run.id; });
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
        earlier_.ledger = std::move(mine.ledger);
        add_earlier(std::move(mine));
      }
    }
    if (!acts_here(identity)) helper(identity);
  }
}

void ThisHost::record_found(RunHeader run, std::vector<LedgerEntry> entries, const std::string& digest) {
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
    if (settings_.tell)
      settings_.tell(fmt::format("what is as it should be could not be written down: {}", e.what()));
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
                        const std::string& digest) {
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
