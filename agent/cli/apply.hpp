// The two passes of `plan` and `apply`: on an overlay first, then on the machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "hosts/chosen_hosts.hpp"
#include "runs/saved_plan.hpp"

namespace CLI {
class App;
}

namespace mlops {

struct ApplyOptions {
  std::string playbook;  // path
  bool dry = false;      // plan: the first pass is all
  std::vector<std::string> vars_files, sets, only, tags;
  std::string mirror;  // a folder or a URL
  std::string state;   // --state: a folder; "": each identity's own
  std::uint64_t wait = 0;  // --wait: seconds
  std::uint64_t keep_limit = JournalOptions{}.keep_limit;  // --keep-limit: bytes
  OutputOptions output;
  bool no_sudo = false, fail_fast = false, trust_writable = false;
  ReachSettings reach;
  std::string out;                       // --out: where the plan is kept; "": nowhere
  // --prune: what an earlier version of the playbook made, and this one no longer has, is removed. alone: nothing else
  // is done.
  enum class Prune { no, too, alone } prune = Prune::no;
  bool all_or_nothing = false;           // with a plan file
  std::shared_ptr<const PlanFile> plan;  // what is applied, where the playbook was one
  std::vector<std::string> distrusted;   // why its file is not to be followed where root is to act
};

// --host, --hosts, --accept-new-host-keys and --ssh-config.
void add_reach_options(CLI::App& command, ReachSettings& reach);

// What state databases know a playbook by, on whichever machine: "MACHINE:NAME" where it has a name, else "MACHINE:PATH", the
// path without links (what is no file that stays is known by how it was called); MACHINE is a digest of machine-id(5), or the
// host's name where there is none. Behind it, the keys under which it may be known from before it had a name, and from
// versions that took the host's name.
std::vector<std::string> playbook_keys(const Playbook& playbook, const std::string& path);

// Runs it, reports on stdout (mistakes of the playbook and what kept the run from starting on stderr), and returns
// the exit status (cli/exit_code.hpp).
int apply_playbook(const ApplyOptions& options);

}  // namespace mlops
