// apt_index: the index of packages, not older than asked for.
#include <algorithm>

#include "base/command_line.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

// all of unless_installed are installed   –
// else, the index                         action
// was never fetched                       fetch it
// is as old as max_age, or older          fetch it
// is older than a list of sources         fetch it
// anything else                           –
struct AptIndex {
  static constexpr auto type = "apt_index";

  struct Desired {
    Duration max_age{86'400'000}, lock_timeout{600'000};
    Texts unless_installed;
  };
  struct Current {
    std::optional<std::uint64_t> age;  // seconds; absent: never fetched
    bool outdated = false;             // a list of sources was written since
    bool needed = true;                // something is to be installed
  };

  static void describe(Schema<Desired>& s) {
    s.summary("The index of the distribution's packages: fetched again (`apt update`) when it is too old.");
    s.optional("max_age", &Desired::max_age,
               "How old it may be. It is also fetched when a list of sources was written since.");
    s.optional("unless_installed", &Desired::unless_installed,
               "Packages: while all of them are installed, the index may be of any age.");
    s.optional("lock_timeout", &Desired::lock_timeout,
               "How long to wait for another program that uses apt or dpkg.");
    s.check(&AptIndex::check);
    s.example("Not older than a day", R"({"type": "apt_index"})");
    s.example("Of this hour, for what is still to be installed",
              R"({"type": "apt_index", "max_age": "1h", "unless_installed": ["docker.io", "git"]})");
  }

  // An index that has to be younger than that could never be proved.
  static void check(const Desired& d, Checker& c) {
    if (d.max_age.ms < 60'000) c.error("max_age", "the index cannot be kept younger than a minute");
  }

  static Claims claims(const Desired&) { return {}; }
  static Actor actor(const Desired&) { return {Actor::Kind::root}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const PackageReader& packages = machine.packages();
    const auto is_installed = [&](const std::string& name) {
      const auto found = packages.installed(name);
      return found && found->state == PackageState::installed;
    };
    const auto& names = d.unless_installed.list;
    const bool needed = names.empty() || !std::all_of(names.begin(), names.end(), is_installed);
    return {packages.index_age(), packages.index_outdated(), needed};
  }

  static Diff diff(const Desired& d, const Current& now) {
    if (!now.needed || (now.age && *now.age * 1000 < d.max_age.ms && !now.outdated)) return {};
    return {{{.property = "fetched", .before = before(now), .after = "now"}},
            {RefreshIndex{(d.lock_timeout.ms + 999) / 1000}}};
  }

  static Value outputs(const Desired&, const Current& now) {
    Value v;
    v.set("age", now.age ? Value(*now.age) : Value());
    return v;
  }

  // There is nothing that could be taken away again.
  static Value removal(const Desired&) { return false; }
  static bool made(const Desired&, const std::vector<Change>&) { return false; }

 private:
  static Value before(const Current& now) {
    if (!now.age) return "never";
    return (now.outdated ? "before the sources changed, " : "") + duration_text(*now.age * 1000) + " ago";
  }
};

}  // namespace

MLOPS_MODULE(AptIndex);

}  // namespace mlops::modules
