// Which hosts take part in a run: from --host, --hosts and the plays' `on`.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hosts/coordinator.hpp"
#include "hosts/local_host.hpp"
#include "hosts/remote_host.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

// The settings from the command line.
struct ReachSettings {
  std::vector<std::string> hosts;  // --host
  std::string hosts_file;          // --hosts; "": none
  std::size_t forks = 32, serial = 0;
  bool accept_new_host_keys = false;
  std::string ssh_config;              // "": ~/.ssh/config
  std::optional<bool> trust_writable;  // --trust-writable; absent: the command has no such option
};

// The names of --host and --hosts, in order, without duplicates. As root, a file of --hosts that someone other
// than root and the caller could change (see distrust) is a mistake, unless reach lifts that. Mistakes point
// into text, which is filled with the file's content and must outlive them.
std::vector<std::string> named_hosts(const ReachSettings& reach, Source& text, Diagnostics& mistakes);

// A host and its plays, by their place in the playbook.
struct CastHost {
  std::string name;
  std::vector<std::size_t> plays;
  const AwaitedHost* awaited = nullptr;  // null: it is there from the start; borrowed from the playbook
};
// A play without `on` runs on the named hosts, or locally if none is named. In the order in which plays name
// them.
std::vector<CastHost> cast_plays(const Playbook& playbook, const std::vector<std::string>& named);

// The environment variables that a playbook or --set refers to, with their values.
std::map<std::string, std::string> mentioned_environment(const Playbook& playbook,
                                                         const std::vector<std::string>& sets);

class RunHosts {
 public:
  // before_question: called before each question to the person.
  RunHosts(const ReachSettings& reach, Diagnostics& mistakes, std::function<void()> before_question,
           std::function<void(const std::string&)> warn);

  // The source to read the playbook with.
  const FileSource& files() const;
  // Files writable by others are refused if this process is root; otherwise if anything runs as root. The same
  // goes for root's state folder on this machine and the file of --ssh-config; state is the value of --state,
  // "" for none. Call before the playbook is read.
  void guard_files(uid_t caller, const std::string& state, Diagnostics& mistakes);
  // Files that were judged before, and are not trusted when running as root.
  void distrust_too(const std::vector<std::string>& reasons) { noted_.distrust_too(reasons); }
  // Adds the reasons why pending changes on a host may not be made.
  void judge(const std::string& host, const PassResult& result, Diagnostics& mistakes) const;
  // From now on the playbook's secrets are read on demand. dry: see controller_secrets.
  void open_secrets(const Playbook& playbook, bool dry, const Cancellation& cancellation);
  // Secrets that targets need and that cannot be read.
  const Diagnostics& unread() const { return unread_; }
  // Adds a participant for each host, or has it awaited. All arguments must outlive the coordinator, as must
  // this.
  void take_part(Coordinator& coordinator, const Playbook& playbook, PartSettings settings,
                 const LoadOptions& load, const Cancellation& cancellation);
  // A participant for a host that was awaited, after take_part; null if the enforced plan does not contain it.
  std::unique_ptr<Participant> awaited_participant(const std::string& host,
                                                   const std::vector<std::size_t>& plays, EventSink sink);
  // What the playbook does not ask to lose may be lost without a question.
  void allow_losses() { may_lose_ = true; }
  // The targets' parts of a plan that is saved, or enforced. To be set before; the plan is borrowed.
  void keep_plan() { keeps_plan_ = true; }
  void hold_to(const PlanFile& plan, std::vector<std::string> changed_sources, bool all_or_nothing);
  // The targets' plans by host name, if the plan is saved.
  const std::map<std::string, PlanMade>& planned() const { return planned_; }
  // The content of the file of --hosts.
  std::shared_ptr<const Source> hosts_text() const { return hosts_text_; }
  // --host and --hosts.
  const std::vector<std::string>& named() const { return named_; }
  // Observes the run on this machine; borrowed. To be set before.
  void set_observer(RunObserver* observer) { watcher_ = observer; }
  // Digests of the files beside the playbook that were read so far.
  const std::vector<SentDigest>& source_digests() const { return noted_.digests(); }
  // The participating hosts, in order.
  const std::vector<std::string>& names() const { return names_; }

 private:
  void agree_to_loss(const std::string& label, const std::string& loss);
  TargetShare share_of(const Playbook& playbook, const std::vector<std::size_t>& plays,
                       const LoadOptions& load);
  PlanPart plan_part(const std::string& host) const;
  std::unique_ptr<Participant> target(const std::string& host, const std::vector<std::size_t>& plays,
                                      EventSink sink);
  StartRun start_of(const Playbook& playbook, const PartSettings& settings, const LoadOptions& load);

  const ReachSettings& reach_;
  const std::shared_ptr<Source> hosts_text_ = std::make_shared<Source>();  // of --hosts
  std::vector<std::string> named_, names_;
  RunObserver* watcher_ = nullptr;
  Questions questions_;
  std::function<void(const std::string&)> warn_;
  TrackedFiles noted_;
  std::optional<StartRun> start_;
  // Of take_part; borrowed.
  const Playbook* playbook_ = nullptr;
  const LoadOptions* load_ = nullptr;
  const Cancellation* cancellation_ = nullptr;
  bool may_lose_ = false;
  std::set<std::string> agreed_;  // labels
  bool keeps_plan_ = false, all_or_nothing_ = false;
  const PlanFile* plan_ = nullptr;
  std::vector<std::string> changed_sources_;
  std::map<std::string, PlanMade> planned_;
  Diagnostics unread_;
  std::string distrusted_state_;  // why root's state folder is not trusted; "": it is
};

}  // namespace mlops
