// The two passes of `plan` and `apply`: first on an overlay, then on the machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "hosts/chosen_hosts.hpp"
#include "runs/saved_plan.hpp"

namespace mlops {

class CommandOptions;

struct ApplyOptions {
  std::string playbook;  // path
  bool dry = false;      // plan: only the first pass
  std::vector<std::string> vars_files, sets, only, tags;
  std::string mirror;                                      // a folder or a URL
  std::string state;                                       // --state: a folder; "": each identity's default
  std::uint64_t wait = 0;                                  // --wait: seconds
  std::uint64_t keep_limit = JournalOptions{}.keep_limit;  // --keep-limit: bytes
  OutputOptions output;
  bool no_sudo = false, fail_fast = false, trust_writable = false;
  ReachSettings reach;
  std::string out;  // --out: where to save the plan; "": nowhere
  // --prune: removes what an earlier version of the playbook made and the current one no longer has. alone:
  // does nothing else.
  enum class Prune { no, too, alone } prune = Prune::no;
  bool all_or_nothing = false;           // with a plan file
  std::shared_ptr<const PlanFile> plan;  // the plan to apply, if the playbook argument was a plan file
  std::vector<std::string> distrusted;   // why its file is not trusted when running as root
};

// --host, --hosts, --accept-new-host-keys and --ssh-config.
void add_reach_options(CommandOptions& command, ReachSettings& reach);

// The keys of a playbook in state databases, on every machine: "MACHINE:NAME" if it has a name, else
// "MACHINE:PATH", the path with links resolved (a temporary file is identified by the name it was given by);
// MACHINE is a digest of machine-id(5), or the host's name if there is none. Followed by the keys from before
// it had a name, and from versions that used the host's name.
std::vector<std::string> playbook_keys(const Playbook& playbook, const std::string& path);

// Runs it, reports on stdout (mistakes in the playbook and reasons for not starting on stderr), and returns the
// exit status (cli/exit_code.hpp).
int apply_playbook(const ApplyOptions& options);

}  // namespace mlops
