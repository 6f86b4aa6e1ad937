// Units after the changes of a plan.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "domains/services/actions.hpp"
#include "domains/services/reader.hpp"
#include "domains/simulation.hpp"

namespace mlops {

class OverlayServices : public ServiceReader, public AssumingOverlay {
 public:
  // base must outlive this.
  explicit OverlayServices(const ServiceReader& base) : base_(base) {}
  // Units are read as root: without a bus only root can ask systemd.
  static OverlayServices over(const MachineReader& /*real*/, const MachineReader& root) {
    return OverlayServices(root.services());
  }

  // base's units with the changes applied. A unit that base does not have exists once it was acted on.
  Unit unit(const std::string& name) const override;
  std::string log_since(const std::string& name, std::uint64_t since_us) const override {
    return base_.log_since(name, since_us);
  }
  void apply(const ChangeUnit& change);
  bool touched(const std::string& unit) const { return changes_.contains(unit); }
  // Whether any unit was acted on.
  bool any_touched() const { return !changes_.empty(); }

 private:
  const ServiceReader& base_;
  struct Made {
    ChangeUnit::Verb verb;
    std::string when;  // as Unit::since
  };
  std::map<std::string, std::vector<Made>> changes_;  // by unit, in order
};

}  // namespace mlops
