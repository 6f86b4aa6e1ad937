// The packages of the machine that this process runs on.
#pragma once

#include <ctime>
#include <map>
#include <set>
#include <string>

#include "domains/packages/apt.hpp"
#include "domains/packages/apt_history.hpp"
#include "domains/packages/dpkg_database.hpp"
#include "domains/packages/package_locks.hpp"
#include "domains/packages/reader.hpp"

namespace mlops {

// Everything that reads works for every user. Forecasts are kept while neither dpkg's database nor the index
// changes. Not for several threads at once.
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

  // As root. What is downloaded before an interruption is kept for the next time; once packages are unpacked,
  // an interruption waits for the end.
  void perform(const InstallPackages& action);
  void perform(const RemovePackages& action);
  void perform(const RepairPackages& action);

 private:
  std::string stamp() const;
  std::optional<std::time_t> index_fetched() const;
  std::vector<PackageLock> locks() const { return package_locks(dpkg_dir_); }
  void mark(const std::vector<std::string>& names, const char* as, const std::string& doing) const;
  void wait(std::uint64_t lock_timeout) const;
  void refresh_index(std::uint64_t lock_timeout);
  void configure_pending(const std::string& doing) const;
  void unpack_again(std::vector<std::string> doubtful, const std::string& doing, std::uint64_t lock_timeout) const;
  std::vector<std::string> unpacked_since(std::int64_t microseconds) const;
  void remove_lost_configuration(const std::vector<std::string>& packages) const;
  void complete(const UnfinishedInstall& unfinished, const std::string& doing, std::uint64_t lock_timeout) const;
  Forecast simulate(const std::string& verb, std::vector<std::string> names) const;
  void check_installed(const std::vector<std::string>& wanted) const;

  Apt apt_;
  std::string dpkg_dir_, apt_dir_, sources_dir_, archives_dir_, history_ = "/var/log/apt/history.log";
  DpkgDatabase dpkg_;
  mutable std::map<std::vector<std::string>, Forecast> forecasts_;  // by verb and names
  mutable std::string forecasts_stamp_;
  mutable std::set<std::string> marks_;  // what came along with others, as "name:architecture"
  mutable std::optional<timespec> marks_read_;  // how old the marks were when they were read
};

}  // namespace mlops
