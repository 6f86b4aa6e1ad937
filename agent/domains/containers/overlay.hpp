// Images after the changes of a plan.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "domains/containers/actions.hpp"
#include "domains/containers/reader.hpp"
#include "domains/simulation.hpp"

namespace mlops {

class OverlayContainers : public AssumingOverlay {
 public:
  static OverlayContainers over(const MachineReader& /*real*/, const MachineReader& /*root*/) { return {}; }

  // What the plan made of the name, absent if it took the name away; null if it did nothing to it.
  const std::optional<ContainerImage>* changed(const std::string& socket, const std::string& name) const {
    const auto found = changed_.find({socket, name});
    return found == changed_.end() ? nullptr : &found->second;
  }
  void set(const std::string& socket, const std::string& name, std::optional<ContainerImage> image) {
    changed_[{socket, name}] = std::move(image);
  }

 private:
  std::map<std::pair<std::string, std::string>, std::optional<ContainerImage>> changed_;  // by socket and name
};

}  // namespace mlops
