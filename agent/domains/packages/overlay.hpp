// Packages after simulated actions.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "domains/simulation.hpp"

namespace mlops {

// base must outlive it. A transaction has exactly its forecast effect; other requested packages are installed
// in an unknown version (""). After a refresh of the index, names that the old index did not have count as
// known in an unknown version, since the new index cannot be read yet.
class OverlayPackages : public PackageReader, public AssumingOverlay {
 public:
  explicit OverlayPackages(const PackageReader& base) : base_(base) {}
  static OverlayPackages over(const MachineReader& real, const MachineReader& /*root*/) {
    return OverlayPackages(real.packages());
  }

  std::optional<InstalledPackage> installed(const std::string& name) const override;
  bool interrupted() const override;
  std::optional<std::uint64_t> index_age() const override;
  std::optional<std::string> candidate(const std::string& name) const override;
  Forecast forecast_install(const std::vector<std::string>& wanted) const override;
  Forecast forecast_removal(const std::vector<std::string>& names) const override;
  std::vector<std::string> similar(const std::string& name) const override;

  PurgeLoss purge_loss(const std::string& name) const override { return base_.purge_loss(name); }
  bool index_outdated() const override;
  std::optional<std::vector<PackagedPath>> contents(const std::string& name,
                                                    const std::string& version) const override {
    return base_.contents(name, version);
  }
  std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const override;

  // A list of sources was written.
  void sources_changed() { refreshed_ = false, sources_changed_ = true; }
  void apply(const InstallPackages& action);
  void apply(const RemovePackages& action);
  void apply(const RepairPackages& action);
  void apply(const RefreshIndex& action);

  // Packages whose installation is simulated, and whose files are not in the tree of files yet.
  struct Arriving {
    std::string name, version, label;  // of the resource
  };
  void add_arriving(Arriving package) { arriving_.push_back(std::move(package)); }
  bool has_arriving() const { return !arriving_.empty(); }
  std::vector<Arriving> take_arriving() { return std::exchange(arriving_, {}); }

  // An installation is pending: its scripts may create users, groups, units and files.
  bool pending() const { return pending_; }

 private:
  bool ends_there(const PackageChange& change) const;

  const PackageReader& base_;
  std::map<std::string, std::optional<InstalledPackage>> changed_;  // by name as given; empty: removed
  std::vector<Arriving> arriving_;
  bool pending_ = false, repaired_ = false, refreshed_ = false, sources_changed_ = false;
};

}  // namespace mlops
