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

// The command line's part.
struct ReachSettings {
  std::vector<std::string> hosts;  // --host
  std::string hosts_file;          // --hosts; "": none
  std::size_t forks = 32, serial = 0;
  bool accept_new_host_keys = false;
  std::string ssh_config;  // "": ~/.ssh/config
  std::optional<bool> trust_writable;  // --trust-writable; absent: the command has no such option
};

// The names of --host and --hosts, in order, each once. As root, a file of --hosts that somebody beside root
// and the caller could change (see distrust) is a mistake, unless reach lifts that. Mistakes point into text,
// which becomes that of the file, and must outlive them.
std::vector<std::string> named_hosts(const ReachSettings& reach, Source& text, Diagnostics& mistakes);

// A host and its plays, by their place in the playbook.
struct CastHost {
  std::string name;
  std::vector<std::size_t> plays;
};
// A play without `on` is for the named hosts, or local where none is named. In the order in which plays name them.
std::vector<CastHost> cast_plays(const Playbook& playbook, const std::vector<std::string>& named);

// The variables of the environment that a playbook or --set refers to, with their values.
std::map<std::string, std::string> mentioned_environment(const Playbook& playbook, const std::vector<std::string>& sets);

class RunHosts {
 public:
  // before_question: called ahead of each question to the person.
  RunHosts(const ReachSettings& reach, Diagnostics& mistakes, std::function<void()> before_question,
           std::function<void(const std::string&)> warn);

  // What the playbook is to be read with.
  const FileSource& files() const;
  // Files that others could change are refused where this process is root; otherwise where root is to act. So are root's
  // state folder on this machine and the file of --ssh-config; state is what --state names, "" for none. To be called before the playbook is read.
  void guard_files(uid_t caller, const std::string& state, Diagnostics& mistakes);
  // Files that were judged before, and are not to be followed where root is to act.
  void distrust_too(const std::vector<std::string>& reasons) { noted_.distrust_too(reasons); }
  // Adds why what is pending on a host may not be done.
  void judge(const std::string& host, const PassResult& result, Diagnostics& mistakes) const;
  // From now on the playbook's secrets are read when they are wanted. dry: see controller_secrets.
  void open_secrets(const Playbook& playbook, bool dry, const Cancellation& cancellation);
  // Secrets that other machines need and that cannot be had.
  const Diagnostics& unread() const { return unread_; }
  // Adds a participant for each host. All given must outlive the conductor, as must this.
  void take_part(Coordinator& coordinator, const Playbook& playbook, PartSettings settings, const LoadOptions& load,
                 const Cancellation& cancellation);
  // The parts of other machines in a plan that is kept, or held to. To be set before; the plan is borrowed.
  void keep_plan() { keeps_plan_ = true; }
  void hold_to(const PlanFile& plan, std::vector<std::string> changed_sources, bool all_or_nothing);
  // What other machines planned, where it is kept, by their names.
  const std::map<std::string, PlanMade>& planned() const { return planned_; }
  // --host and --hosts.
  const std::vector<std::string>& named() const { return named_; }
  // Looks on at this machine's part; borrowed. To be set before.
  void set_observer(RunObserver* observer) { watcher_ = observer; }
  // Of the files beside the playbook that were read until now.
  const std::vector<SentDigest>& source_digests() const { return noted_.digests(); }
  // Those that take part, in order.
  const std::vector<std::string>& names() const { return names_; }

 private:
  TargetShare share_of(const Playbook& playbook, const std::vector<std::size_t>& plays, const LoadOptions& load);
  PlanPart plan_part(const std::string& host) const;
  StartRun start_of(const Playbook& playbook, const PartSettings& settings, const LoadOptions& load);

  const ReachSettings& reach_;
  Source hosts_text_;  // of --hosts
  std::vector<std::string> named_, names_;
  RunObserver* watcher_ = nullptr;
  Questions questions_;
  std::function<void(const std::string&)> warn_;
  TrackedFiles noted_;
  std::optional<StartRun> start_;
  bool keeps_plan_ = false, all_or_nothing_ = false;
  const PlanFile* plan_ = nullptr;
  std::vector<std::string> changed_sources_;
  std::map<std::string, PlanMade> planned_;
  Diagnostics unread_;
  std::string distrusted_state_;  // why root's state folder is not to be followed; "": it may be
};

}  // namespace mlops
