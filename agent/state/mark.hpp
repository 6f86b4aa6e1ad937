// A small file beside the state database that says when it need not be opened: a run that changes nothing reads only
// this.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace mlops {

// Says of the database of one inode: nothing is unfinished in it, and these playbooks are in its ledger. It is removed
// before a run writes there, and made anew at its end, so it is never there when it would be wrong.
struct CleanMarker {
  // key -> the digest of what a whole run of it made or found, which is all in the ledger; with a `+` behind it where the
  // ledger has more of that playbook, which may no longer be in it.
  std::map<std::string, std::string> playbooks;
};

// As a mark has it; "": nothing was made or found.
std::string digest_text(std::uint64_t digest);

enum class MarkState {
  none,     // there is no state: nothing is known of earlier runs
  settled,  // the mark holds
  unknown,  // the database must be asked
};

// FOLDER/settled. into is filled in where it holds.
MarkState read_mark(const std::string& folder, CleanMarker& into);
// Durably. Nothing where there is none.
void remove_mark(const std::string& folder);
// Of the database that is there now. Failure is silence: it only costs time.
void write_mark(const std::string& folder, const CleanMarker& mark) noexcept;

}  // namespace mlops
