// The reads of packages as values, one for each member of PackageReader: what decorates a reader handles each
// as one of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/packages/reader.hpp"

namespace mlops {

struct ReadPackage {
  using Result = std::optional<InstalledPackage>;
  std::string name;
  Result ask(const PackageReader& reader) const { return reader.installed(name); }
};
struct ReadInterrupted {
  using Result = bool;
  Result ask(const PackageReader& reader) const { return reader.interrupted(); }
};
struct ReadIndexAge {
  using Result = std::optional<std::uint64_t>;
  Result ask(const PackageReader& reader) const { return reader.index_age(); }
};
struct ReadIndexOutdated {
  using Result = bool;
  Result ask(const PackageReader& reader) const { return reader.index_outdated(); }
};
struct ReadContents {
  using Result = std::optional<std::vector<PackagedPath>>;
  std::string name;
  std::string version;
  Result ask(const PackageReader& reader) const { return reader.contents(name, version); }
};
struct ReadPurgeLoss {
  using Result = PurgeLoss;
  std::string name;
  Result ask(const PackageReader& reader) const { return reader.purge_loss(name); }
};
struct ReadCandidate {
  using Result = std::optional<std::string>;
  std::string name;
  Result ask(const PackageReader& reader) const { return reader.candidate(name); }
};
struct ForecastInstall {
  using Result = Forecast;
  std::vector<std::string> wanted;
  Result ask(const PackageReader& reader) const { return reader.forecast_install(wanted); }
};
struct ForecastRemoval {
  using Result = Forecast;
  std::vector<std::string> names;
  Result ask(const PackageReader& reader) const { return reader.forecast_removal(names); }
};
struct ReadUnneeded {
  using Result = std::vector<std::string>;
  std::vector<std::string> names;
  Result ask(const PackageReader& reader) const { return reader.unneeded_without(names); }
};
struct ReadSimilar {
  using Result = std::vector<std::string>;
  std::string name;
  Result ask(const PackageReader& reader) const { return reader.similar(name); }
};

using PackageQueries =
    TypeList<ReadPackage, ReadInterrupted, ReadIndexAge, ReadIndexOutdated, ReadContents, ReadPurgeLoss,
             ReadCandidate, ForecastInstall, ForecastRemoval, ReadUnneeded, ReadSimilar>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedPackages : public PackageReader {
  std::optional<InstalledPackage> installed(const std::string& name) const override {
    return asker().ask(ReadPackage{name});
  }
  bool interrupted() const override { return asker().ask(ReadInterrupted{}); }
  std::optional<std::uint64_t> index_age() const override { return asker().ask(ReadIndexAge{}); }
  bool index_outdated() const override { return asker().ask(ReadIndexOutdated{}); }
  std::optional<std::vector<PackagedPath>> contents(const std::string& name,
                                                    const std::string& version) const override {
    return asker().ask(ReadContents{name, version});
  }
  PurgeLoss purge_loss(const std::string& name) const override { return asker().ask(ReadPurgeLoss{name}); }
  std::optional<std::string> candidate(const std::string& name) const override {
    return asker().ask(ReadCandidate{name});
  }
  Forecast forecast_install(const std::vector<std::string>& wanted) const override {
    return asker().ask(ForecastInstall{wanted});
  }
  Forecast forecast_removal(const std::vector<std::string>& names) const override {
    return asker().ask(ForecastRemoval{names});
  }
  std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const override {
    return asker().ask(ReadUnneeded{names});
  }
  std::vector<std::string> similar(const std::string& name) const override {
    return asker().ask(ReadSimilar{name});
  }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
