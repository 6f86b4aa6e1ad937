// The packages of the machine that this process runs on.
#pragma once

#include <ctime>
#include <map>
#include <set>
#include <string>

#include "base/type_list.hpp"
#include "domains/local_context.hpp"
#include "domains/packages/actions.hpp"
#include "domains/packages/apt.hpp"
#include "domains/packages/apt_history.hpp"
#include "domains/packages/dpkg_database.hpp"
#include "domains/packages/package_locks.hpp"
#include "domains/packages/reader.hpp"

namespace mlops {

// All reads work as any user. Forecasts are cached until dpkg's database or the index changes. Not thread-safe.
class LocalPackages : public PackageReader {
 public:
  // cancellation must outlive it.
  LocalPackages(const ActingUser& who, const Cancellation& cancellation, ProgressSink progress = {},
                std::string dpkg_dir = "/var/lib/dpkg", std::string apt_dir = "/var/lib/apt",
                std::string sources_dir = "/etc/apt", std::string archives_dir = "/var/cache/apt/archives");

  std::optional<InstalledPackage> installed(const std::string& name) const override;
  bool interrupted() const override;
  std::optional<std::uint64_t> index_age() const override;
  std::optional<std::string> candidate(const std::string& name) const override;
  Forecast forecast_install(const std::vector<std::string>& wanted) const override;
  Forecast forecast_removal(const std::vector<std::string>& names) const override;
  std::vector<std::string> similar(const std::string& name) const override;
  PurgeLoss purge_loss(const std::string& name) const override;
  bool index_outdated() const override;
  std::optional<std::vector<PackagedPath>> contents(const std::string& name,
                                                    const std::string& version) const override;
  std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const override;

  // As root. Downloads before an interruption are kept for the next time; once packages are being unpacked, an
  // interruption is delayed to the end.
  void perform(const InstallPackages& action);
  void perform(const RemovePackages& action);
  void perform(const RepairPackages& action);
  void perform(const RefreshIndex& action);

 private:
  std::string stamp() const;
  std::optional<std::time_t> index_fetched() const;
  std::vector<PackageLock> locks() const { return package_locks(dpkg_dir_); }
  void mark(const std::vector<std::string>& names, const char* as, const std::string& doing) const;
  void wait(std::uint64_t lock_timeout) const;
  void refresh_index(std::uint64_t lock_timeout);
  void configure_pending(const std::string& doing) const;
  void unpack_again(std::vector<std::string> doubtful, const std::string& doing,
                    std::uint64_t lock_timeout) const;
  std::vector<std::string> unpacked_since(std::int64_t microseconds) const;
  void remove_lost_configuration(const std::vector<std::string>& packages) const;
  void complete(const UnfinishedInstall& unfinished, const std::string& doing,
                std::uint64_t lock_timeout) const;
  Forecast simulate(const std::string& verb, std::vector<std::string> names) const;
  void check_installed(const std::vector<std::string>& wanted) const;

  Apt apt_;
  std::string dpkg_dir_, apt_dir_, sources_dir_, archives_dir_, history_ = "/var/log/apt/history.log";
  DpkgDatabase dpkg_;
  mutable std::map<std::vector<std::string>, Forecast> forecasts_;  // by verb and names
  mutable std::string forecasts_stamp_;
  mutable std::set<std::string> marks_;         // automatically installed packages, as "name:architecture"
  mutable std::optional<timespec> marks_read_;  // the marks' modification time when they were read
};

// The domain's part of the local machine.
struct PackagesLocal : LocalPart {
  explicit PackagesLocal(const LocalContext& c) : reader(c.who, c.cancellation, c.progress) {}
  void perform(const OneOf<PackageActions> auto& action) { reader.perform(action); }
  LocalPackages reader;
};

}  // namespace mlops
