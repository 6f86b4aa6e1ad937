// Resources that an earlier version of a playbook created and the current one no longer has.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "machine/host.hpp"
#include "model/event.hpp"
#include "state/ledger.hpp"

namespace mlops {

// Observes a pass over the whole playbook to collect its resources.
class DeclaredResources {
 public:
  void take(const Event& event);
  bool has(const Owned& owned) const;
  bool has(const ClaimedObject& object) const;
  std::vector<ClaimedObject>& claimed() { return claimed_; }
  // Call after all events were taken and before has: sorting is left to the runs that need it.
  void order();

 private:
  std::vector<std::string> labels_;
  std::vector<std::string> vague_;  // of resources that were not filled in: skipped, failed, unknown
  std::vector<ClaimedObject> claimed_;
};

struct Stale {
  Owned owned;
  std::string stays;               // why it is not removed; "": it may be
  std::vector<std::string> keeps;  // packages of its resource that the playbook still owns after the removal
};

// The playbook's resources that it created and no longer has, the newest first; objects that are already gone
// are not listed. Reads the objects through the host as the identity that created them. given: --state; digest:
// of the resources that the pass made and found; if it matches the mark beside the database, nothing is stale.
// None if there is no state, or it cannot be read. A folder that would not be empty stays; its removable
// content comes before it. keys: the current and former keys of the playbook.
std::vector<Stale> find_stale(const std::string& given, const std::vector<std::string>& keys,
                              std::uint64_t digest, DeclaredResources& held, Host& host);

// The resources that remove them, as entries of a playbook's `resources`, in order.
Value::Array removals(const std::vector<Stale>& stale, const std::string& person);

// Removes the resource from the ledger, for all playbooks or only the one of that name or at that path ("" for
// all); nothing is changed on the machine. Returns the keys of the playbooks that owned it. Call with the run
// lock held. Error.
std::vector<std::string> forget_resource(const std::string& given, const std::string& resource,
                                         const std::string& playbook,
                                         const std::function<void(const std::string&)>& notice);

// Removes them from the playbook's ledger, under all of its keys: the run that removed them may have adopted
// records under former keys. run: the id of the run that removed them, whose undo restores the entries. Call
// with the run lock held. Error.
void forget_stale(const std::string& given, const std::vector<std::string>& keys, const std::string& run,
                  const std::vector<Stale>& removed);

}  // namespace mlops
