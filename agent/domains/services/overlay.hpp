// Units after the changes of a plan.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "domains/action.hpp"
#include "domains/services/reader.hpp"

namespace mlops {

class OverlayServices : public ServiceReader {
 public:
  // base must outlive this.
  explicit OverlayServices(const ServiceReader& base) : base_(base) {}

  // base's units with the changes applied. A unit that base does not have exists once it was acted on.
  Unit unit(const std::string& name) const override;
  std::string log_since(const std::string& name, std::uint64_t since_us) const override {
    return base_.log_since(name, since_us);
  }
  void apply(const ChangeUnit& change);

 private:
  const ServiceReader& base_;
  struct Made {
    ChangeUnit::Verb verb;
    std::string when;  // as Unit::since
  };
  std::map<std::string, std::vector<Made>> changes_;  // by unit, in order
};

}  // namespace mlops
