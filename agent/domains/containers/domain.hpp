// The domain of container images, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "domains/containers/actions.hpp"
#include "domains/containers/queries.hpp"
#include "domains/containers/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

// The image that had the name before.
struct ContainersReplaced {
  std::optional<bool> had_image;
  std::string image_id;
  bool image_has_other_names = false;
  static constexpr auto fields() {
    return std::tuple(field("had_image", &ContainersReplaced::had_image),
                      field("image_id", &ContainersReplaced::image_id),
                      field("image_has_other_names", &ContainersReplaced::image_has_other_names));
  }
  friend bool operator==(const ContainersReplaced&, const ContainersReplaced&) = default;
};

struct ContainersLocal;  // domains/containers/local.hpp

struct ContainersDomain {
  using Reader = ContainerReader;
  using Actions = ContainerActions;
  using Queries = ContainerQueries;
  using Replaced = ContainersReplaced;
  template <class Asker>
  using Asked = AskedContainers<Asker>;
  using Local = ContainersLocal;
};

// The key of an image's claim: its name, and " at SOCKET" where that is not Docker's own.
std::string image_key(const std::string& socket, const std::string& name);

// The state of an object of one of its kinds, as one line; absent for other kinds.
std::optional<std::string> fingerprint(ContainersDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine);

// For undo; see domains/undo_parts.hpp.
void capture(const PullImage&, CaptureBefore&, Before&);
Inverse invert(const PullImage&, const Before&);
bool satisfied(const PullImage&, const MachineReader&);
void capture(const LoadImage&, CaptureBefore&, Before&);
Inverse invert(const LoadImage&, const Before&);
bool satisfied(const LoadImage&, const MachineReader&);
void capture(const TagImage&, CaptureBefore&, Before&);
Inverse invert(const TagImage&, const Before&);
bool satisfied(const TagImage&, const MachineReader&);
void capture(const RemoveImage&, CaptureBefore&, Before&);
Inverse invert(const RemoveImage&, const Before&);
bool satisfied(const RemoveImage&, const MachineReader&);
void touch(const OneOf<ContainerActions> auto& action, const Before&, Things& things) {
  things.insert("image " + image_key(action.socket, action.name));
}
void add_leftovers(const OneOf<ContainerActions> auto&, LeftoverSearch&) {}
const std::string* target_path(const OneOf<ContainerActions> auto&) { return nullptr; }

// Records the result of a read, as far as it is not volatile.
void note(const FindImage&, const FindImage::Result&, Preconditions&);

// The result of a read after the simulated actions. While packages are to be installed, a daemon that does
// not answer has no image yet; one that the plan starts or stops is not asked: Unknown.
FindImage::Result simulated(const FindImage&, Simulation&);

// Applies the action to the overlay.
void simulate(const PullImage&, Simulation&);
void simulate(const LoadImage&, Simulation&);
void simulate(const TagImage&, Simulation&);
void simulate(const RemoveImage&, Simulation&);

}  // namespace mlops
