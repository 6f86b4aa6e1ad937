// What failures and writes of earlier resources mean for others.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/claim.hpp"

namespace mlops {

// A resource's claims with those that go without saying: who acts has to exist.
Claims with_implied(Claims claims, const std::string& as);

// Resources that failed, and those that were skipped because of one. Likewise those that are pending or not known.
class Failures {
 public:
  struct Failed {
    std::string label, id, cause;  // cause: the label of the first in the chain
    Claims claims;
    std::size_t play = 0;
  };
  void add(Failed failed) { list_.push_back(std::move(failed)); }
  bool empty() const { return list_.empty(); }
  // The cause for which a resource with these claims has to be skipped; absent when nothing stands in its way.
  // Opaque ones depend on everything before them in their play, unless `after` names what they come after.
  std::optional<std::string> cause(const Claims& claims, const std::vector<std::string>& after, bool opaque,
                                   std::size_t play) const;
  // The cause behind a label that failed or was skipped for a failure; absent when it was not.
  std::optional<std::string> cause_of(const std::string& label) const;
  bool has_id(const std::string& id) const;
  // The labels of all that a resource with these claims, or which names these ids, depends on; in the order added.
  std::vector<std::string> depended_on(const Claims& claims, const std::vector<std::string>& after) const;

 private:
  std::vector<Failed> list_;
};

// Which resource, by its place in the run, was the last to write to what.
class Written {
 public:
  // anything: a program ran that may have changed whatever it liked.
  void add(std::size_t place, const std::string& label, const Claims& claims, bool anything);
  // The label of a later resource that wrote to something of the claims; absent when there is none.
  std::optional<std::string> later_writer(std::size_t place, const Claims& claims) const;
  // No resource from this place on was followed by a writer.
  bool settled_since(std::size_t place) const { return !any_ || last_ <= place; }

 private:
  struct Writer {
    std::size_t place;
    std::string label;
  };
  std::map<std::string, Writer> last_writer_;  // by kind and key
  std::optional<Writer> program_;
  std::size_t last_ = 0;
  bool any_ = false;
};

}  // namespace mlops
