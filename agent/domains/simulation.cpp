#include "domains/simulation.hpp"

#include <algorithm>

namespace mlops {

void SimulatedHost::add(Labels& labels, const std::string& label) {
  if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
}

}  // namespace mlops
