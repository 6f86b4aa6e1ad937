// What failures and writes of earlier resources mean for later ones.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/claim.hpp"

namespace mlops {

// A resource's claims including the implied ones: the user that it runs as has to exist.
Claims with_implied(Claims claims, const std::string& as);

// Failed resources, and those skipped because of one. Also used for pending and unknown resources.
class Failures {
 public:
  struct Failed {
    std::string label, id, cause;  // cause: the label of the first failure in the chain
    Claims claims;
    std::size_t play = 0;
  };
  void add(Failed failed) { list_.push_back(std::move(failed)); }
  bool empty() const { return list_.empty(); }
  // The cause for which a resource with these claims has to be skipped; absent when there is none. Opaque
  // resources depend on everything before them in their play, unless `after` names what they come after.
  std::optional<std::string> cause(const Claims& claims, const std::vector<std::string>& after, bool opaque,
                                   std::size_t play) const;
  // The root cause for a label that failed or was skipped after a failure; absent for other labels.
  std::optional<std::string> cause_of(const std::string& label) const;
  bool has_id(const std::string& id) const;
  // The labels of everything that a resource with these claims, or which names these ids, depends on, in the
  // order in which they were added.
  std::vector<std::string> depended_on(const Claims& claims, const std::vector<std::string>& after) const;

 private:
  std::vector<Failed> list_;
};

// The last writer of each claim, by its place in the run.
class Written {
 public:
  // anything: a program ran that may have changed any state.
  void add(std::size_t place, const std::string& label, const Claims& claims, bool anything);
  // The label of a later resource that wrote to one of the claims; absent when there is none.
  std::optional<std::string> later_writer(std::size_t place, const Claims& claims) const;
  // No resource from this place on was followed by a writer.
  bool settled_since(std::size_t place) const { return !any_ || last_ <= place; }

 private:
  struct Writer {
    std::size_t place;
    std::string label;
  };
  std::map<ClaimedObject, Writer> last_writer_;  // none with a tree
  std::optional<Writer> program_;
  std::size_t last_ = 0;
  bool any_ = false;
};

}  // namespace mlops
