// The domain of packages, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "domains/packages/actions.hpp"
#include "domains/packages/queries.hpp"
#include "domains/packages/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

struct PackagesReplaced {
  std::vector<PackageChange> packages;  // the transaction's actual changes; known only afterwards
  // the digest under which the list of all packages before it is kept; "" if not needed
  std::string package_list;
  // those of the changed ones of which only the configuration files were left
  std::vector<std::string> configured;
  std::vector<std::string> automatic;  // those of them that were there before, as automatic dependencies
  static constexpr auto fields() {
    return std::tuple(
        field("packages", &PackagesReplaced::packages), field("package_list", &PackagesReplaced::package_list),
        field("configured", &PackagesReplaced::configured), field("automatic", &PackagesReplaced::automatic));
  }
  friend bool operator==(const PackagesReplaced&, const PackagesReplaced&) = default;
};

struct PackagesLocal;  // domains/packages/local.hpp

struct PackagesDomain {
  using Reader = PackageReader;
  using Actions = PackageActions;
  using Queries = PackageQueries;
  using Replaced = PackagesReplaced;
  template <class Asker>
  using Asked = AskedPackages<Asker>;
  using Local = PackagesLocal;
};

// The state of an object of one of its kinds, as one line; absent for other kinds.
std::optional<std::string> fingerprint(PackagesDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine);

// For undo; see domains/undo_parts.hpp.
void capture(const InstallPackages&, CaptureBefore&, Before&);
Inverse invert(const InstallPackages&, const Before&);
bool satisfied(const InstallPackages&, const MachineReader&);
void touch(const InstallPackages&, const Before&, Things&);
void capture(const RemovePackages&, CaptureBefore&, Before&);
Inverse invert(const RemovePackages&, const Before&);
bool satisfied(const RemovePackages&, const MachineReader&);
void touch(const RemovePackages&, const Before&, Things&);
void capture(const RepairPackages&, CaptureBefore&, Before&);
Inverse invert(const RepairPackages&, const Before&);
bool satisfied(const RepairPackages&, const MachineReader&);
void touch(const RepairPackages&, const Before&, Things&);
void capture(const RefreshIndex&, CaptureBefore&, Before&);
Inverse invert(const RefreshIndex&, const Before&);
bool satisfied(const RefreshIndex&, const MachineReader&);
void touch(const RefreshIndex&, const Before&, Things&);
void add_leftovers(const OneOf<PackageActions> auto&, LeftoverSearch&) {}
const std::string* target_path(const OneOf<PackageActions> auto&) { return nullptr; }

// Records the result of a read, as far as it is not volatile.
void note(const ReadPackage&, const ReadPackage::Result&, Preconditions&);
void note(const ReadInterrupted&, const ReadInterrupted::Result&, Preconditions&);
void note(const ReadCandidate&, const ReadCandidate::Result&, Preconditions&);
void note(const ForecastInstall&, const ForecastInstall::Result&, Preconditions&);
void note(const ForecastRemoval&, const ForecastRemoval::Result&, Preconditions&);
inline void note(const ReadIndexAge&, const ReadIndexAge::Result&, Preconditions&) {}
inline void note(const ReadIndexOutdated&, const ReadIndexOutdated::Result&, Preconditions&) {}
inline void note(const ReadContents&, const ReadContents::Result&, Preconditions&) {}
inline void note(const ReadPurgeLoss&, const ReadPurgeLoss::Result&, Preconditions&) {}
inline void note(const ReadUnneeded&, const ReadUnneeded::Result&, Preconditions&) {}
inline void note(const ReadSimilar&, const ReadSimilar::Result&, Preconditions&) {}

// The result of a read after the simulated actions.
ReadPackage::Result simulated(const ReadPackage&, Simulation&);
ReadInterrupted::Result simulated(const ReadInterrupted&, Simulation&);
ReadIndexAge::Result simulated(const ReadIndexAge&, Simulation&);
ReadIndexOutdated::Result simulated(const ReadIndexOutdated&, Simulation&);
ReadContents::Result simulated(const ReadContents&, Simulation&);
ReadPurgeLoss::Result simulated(const ReadPurgeLoss&, Simulation&);
ReadCandidate::Result simulated(const ReadCandidate&, Simulation&);
ForecastInstall::Result simulated(const ForecastInstall&, Simulation&);
ForecastRemoval::Result simulated(const ForecastRemoval&, Simulation&);
ReadUnneeded::Result simulated(const ReadUnneeded&, Simulation&);
ReadSimilar::Result simulated(const ReadSimilar&, Simulation&);

// Applies the action to the overlay, with the errors that the real machine would give.
void simulate(const InstallPackages&, Simulation&);
void simulate(const RemovePackages&, Simulation&);
void simulate(const RepairPackages&, Simulation&);
void simulate(const RefreshIndex&, Simulation&);

}  // namespace mlops
