// package: packages of the distribution, through apt.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "domains/packages/apt_output.hpp"
#include "domains/packages/unknown_package.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

// current              present                     absent      latest
// not installed        install                     -           install
// config-files         install                     -           install
// interrupted          repair, install             remove      repair, install
// installed            - (unless another version)  remove      install when apt has a newer one
// a provider is        -                           -           install
struct Package {
  static constexpr auto type = "package";
  enum class State { present, absent, latest };

  struct Desired {
    Texts names;
    State state = State::present;
    std::optional<Duration> refresh;
    bool unneeded = false;
    Duration lock_timeout{600'000};
  };
  struct Row {
    std::string wanted, name;  // as written; without the version
    std::optional<InstalledPackage> installed;
    std::string version_asked;  // "" if none was given
    bool acts = false;          // is to be installed or removed
    bool marks = false;         // is installed, but not marked as manually installed in apt
  };
  struct Current {
    std::vector<Row> rows;
    bool interrupted = false;  // these three are read only if a row acts, or for latest
    bool refresh = false;
    Forecast forecast;
    std::vector<std::string> unneeded;  // packages removed as well, as nothing needs them any more
    bool marks() const {
      return std::any_of(rows.begin(), rows.end(), [](const Row& r) { return r.marks; });
    }
    bool acts() const {
      return std::any_of(rows.begin(), rows.end(), [](const Row& r) { return r.acts; });
    }
    // Another index is fetched before: the forecast may differ from what will be done.
    bool is_open() const { return refresh || forecast.of_older_index; }
  };

  static void describe(Schema<Desired>& s) {
    s.summary("Packages of the distribution, installed or removed by apt in one transaction.");
    s.named_by("names");
    s.required("names", &Desired::names,
               "One name or a list of them. \"name=version\" asks for that very version, \"name:arch\" for an "
               "architecture. A virtual name is satisfied by any installed provider.");
    s.one_of("state", &Desired::state,
             {{"present", State::present}, {"absent", State::absent}, {"latest", State::latest}},
             "present: installed, in whatever version when none is asked for. latest: the newest that the "
             "index has. "
             "absent: removed, changed configuration files are kept.");
    s.optional(
        "refresh", &Desired::refresh,
        "How old the package index may be (\"1d\") when something is to be installed, and for latest; an older "
        "one is fetched again. It is also fetched when it does not know a name, and when a list of sources was "
        "written since.");
    s.optional(
        "unneeded", &Desired::unneeded,
        "With state absent: also what came along with them and nothing needs then, where apt would remove "
        "nothing else for it.");
    s.optional("lock_timeout", &Desired::lock_timeout,
               "How long to wait for another program that uses apt or dpkg.");
    s.check(&Package::check);
    s.example("A tool", R"({"type": "package", "names": "git"})");
    s.example("Several, from an index of today, one in a given version",
              R"({"type": "package", "names": ["docker.io", "jq=1.6-2.1"], "refresh": "1d"})");
    s.example("Always the newest", R"({"type": "package", "names": ["ca-certificates"], "state": "latest"})");
    s.example("Not this one", R"({"type": "package", "names": "telnet", "state": "absent"})");
  }

  // Debian Policy 5.6.1 and 5.6.12.
  static bool is_name(std::string_view text) {
    const std::string_view name = text.substr(0, text.find(':'));
    const auto rest = text.substr(std::min(name.size() + 1, text.size()));
    const char* letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    return name.size() >= 2 && std::string_view(letters).find(name[0]) != std::string_view::npos &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.") == std::string_view::npos &&
           !name.ends_with('-') && (name.size() == text.size() || !rest.empty()) &&
           rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  }
  static bool is_version(std::string_view text) {
    return !text.empty() && text[0] >= '0' && text[0] <= '9' &&
           text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+-:~") ==
               std::string_view::npos;
  }

  static void check(const Desired& d, Checker& c) {
    if (d.names.list.empty()) c.error("names", "names is empty", "name at least one package");
    std::set<std::string> seen;
    for (const std::string& text : d.names.list) {
      const WantedPackage wanted = parse_wanted(text);
      const bool versioned = text.find('=') != text.npos;
      if (!is_name(wanted.name))
        c.error("names", fmt::format("`{}` is no package name", wanted.name),
                "lower-case letters, digits, and + - . inside; name=version, name:arch");
      else if (versioned && !is_version(wanted.version))
        c.error("names", fmt::format("`{}` is no version of `{}`", wanted.version, wanted.name));
      else if (versioned && d.state == State::latest)
        c.error("names", fmt::format("`{}` asks for a version, which is not always the latest", text));
      if (d.unneeded && d.state != State::absent) c.error("unneeded", "`unneeded` is for state absent");
      if (!seen.insert(wanted.name).second) c.error("names", fmt::format("`{}` is named twice", wanted.name));
    }
  }

  static Claims claims(const Desired& d) {
    Claims claims;
    for (const std::string& text : d.names.list) {
      const WantedPackage wanted = parse_wanted(text);
      const char* state = d.state == State::absent ? "absent" : d.state == State::latest ? "latest" : "present";
      const bool any_version = wanted.version.empty() || d.state == State::absent;
      claims.push_back({.kind = Claim::Kind::package,
                        .key = wanted.name,
                        .desired = any_version ? state : "=" + wanted.version});
    }
    return claims;
  }
  static Actor actor(const Desired&) { return {.kind = Actor::Kind::root}; }

  // ---- inspecting -------------------------------------------------------------------------------------------

  static bool acts(State state, const Row& row) {
    const auto& p = row.installed;
    const bool there = p && (p->state == PackageState::installed || p->state == PackageState::interrupted);
    if (state == State::absent) return there && p->name == row.name.substr(0, row.name.find(':'));
    return !p || p->state != PackageState::installed ||
           (!row.version_asked.empty() && p->version != row.version_asked);
  }

  static std::vector<std::string> texts(const std::vector<Row>& rows, bool all) {
    std::vector<std::string> list;
    for (const Row& row : rows)
      if (all || row.acts) list.push_back(row.wanted);
    return list;
  }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const PackageReader& packages = machine.packages();
    Current now;
    for (const std::string& text : d.names.list) {
      const WantedPackage wanted = parse_wanted(text);
      Row row{text, wanted.name, packages.installed(wanted.name), wanted.version};
      if (d.state == State::absent) row.wanted = wanted.name, row.version_asked.clear();
      row.acts = acts(d.state, row);
      row.marks = d.state != State::absent && !row.acts && is_automatic(row);
      now.rows.push_back(std::move(row));
    }
    if (!now.acts() && d.state != State::latest) return now;
    now.interrupted = packages.interrupted();
    if (d.state == State::absent)
      look_at_removal(d, packages, now);
    else
      look_at_index(d, packages, now);
    return now;
  }

  // apt cannot always simulate in the middle of an interrupted installation; then nothing is known before the
  // repair.
  template <class Ask>
  static Forecast forecast(const Current& now, Ask ask) {
    try {
      return ask();
    } catch (const Error&) {
      if (!now.interrupted) throw;
      return {};
    }
  }

  static void look_at_removal(const Desired& d, const PackageReader& packages, Current& now) {
    std::vector<std::string> names = texts(now.rows, false);
    now.forecast = forecast(now, [&] { return packages.forecast_removal(names); });
    if (!d.unneeded || now.interrupted) return;
    const std::vector<std::string> unneeded = packages.unneeded_without(names);
    if (unneeded.empty()) return;
    names.insert(names.end(), unneeded.begin(), unneeded.end());
    Forecast all = packages.forecast_removal(names);
    const bool nothing_else = std::all_of(all.changes.begin(), all.changes.end(), [&](const PackageChange& c) {
      return change_of(now.forecast, c.name) || std::find(names.begin(), names.end(), c.name) != names.end();
    });
    if (!nothing_else) return;
    now.forecast = std::move(all);
    now.unneeded = unneeded;
  }

  // A virtual name's provider was not requested by its own name.
  static bool is_automatic(const Row& row) {
    return row.installed->automatic && row.installed->name == row.name.substr(0, row.name.find(':'));
  }

  static void look_at_index(const Desired& d, const PackageReader& packages, Current& now) {
    const bool latest = d.state == State::latest;
    now.forecast = forecast(now, [&] { return packages.forecast_install(texts(now.rows, latest)); });
    if (latest)
      for (Row& row : now.rows) row.acts = row.acts || change_of(now.forecast, row.name) != nullptr;
    const auto age = packages.index_age();
    const bool old = d.refresh && (!age || *age * 1000 >= d.refresh->ms);
    now.refresh = old || !now.forecast.unknown.empty() || packages.index_outdated();
  }

  // Of the transaction; null if it leaves the package unchanged.
  static const PackageChange* change_of(const Forecast& forecast, const std::string& name) {
    for (const PackageChange& c : forecast.changes)
      if ((c.name == name || c.name == name.substr(0, name.find(':'))) && c.version_before != c.version_after)
        return &c;
    return nullptr;
  }

  // ---- differences ------------------------------------------------------------------------------------------

  static constexpr const char *removed = "removed", *asked_for = "asked for";

  static Value version_text(const std::string& version) {
    return version.empty() ? "version unknown" : version;
  }

  static Value before(const Row& row) {
    if (!row.installed || row.installed->state == PackageState::config_files) return {};
    if (row.installed->state == PackageState::interrupted)
      return fmt::format("{} (interrupted)", row.installed->version);
    return version_text(row.installed->version);
  }

  static std::string size_text(std::uint64_t bytes) {
    const double n = static_cast<double>(bytes);
    if (bytes < 1000) return fmt::format("{} B", bytes);
    if (bytes < 1'000'000) return fmt::format("{:.0f} kB", n / 1e3);
    return bytes < 1'000'000'000 ? fmt::format("{:.1f} MB", n / 1e6) : fmt::format("{:.2f} GB", n / 1e9);
  }

  // The version that a row will have: "" if it is not known before the index is fetched.
  static std::string version_after(const Row& row, const Current& now) {
    if (!row.version_asked.empty()) return row.version_asked;
    if (now.is_open()) return "";
    if (const PackageChange* change = change_of(now.forecast, row.name)) return change->version_after;
    const bool stays = row.installed && row.installed->state == PackageState::interrupted;
    return stays ? row.installed->version : "";
  }

  static bool is_wanted(const Current& now, const PackageChange& change) {
    return std::any_of(now.rows.begin(), now.rows.end(), [&](const Row& r) {
      return r.acts && (r.name == change.name || r.name.substr(0, r.name.find(':')) == change.name);
    });
  }

  // Additional packages that are installed or removed.
  static void add_others(const Current& now, std::vector<Change>& changes,
                         std::vector<PackageChange>& expected) {
    for (PackageChange other : now.forecast.changes) {
      if (is_wanted(now, other) || other.version_before == other.version_after) continue;
      const bool goes = other.version_after.empty() && !other.version_before.empty();
      if (now.is_open() && !goes) other.version_after = "";
      Change change{.property = "+" + other.name};
      if (!other.version_before.empty()) change.before = other.version_before;
      change.after = goes ? Value(removed) : version_text(other.version_after);
      changes.push_back(std::move(change));
      // An upgrade to an unknown version would read as a removal.
      if (goes || other.version_before.empty() || !other.version_after.empty())
        expected.push_back(std::move(other));
    }
  }

  // A package whose script always fails cannot be repaired, but it can be removed.
  static bool removes_the_broken(const Desired& d, const Current& now) {
    return d.state == State::absent && std::any_of(now.rows.begin(), now.rows.end(), [](const Row& r) {
             return r.acts && r.installed->state == PackageState::interrupted;
           });
  }

  static Diff diff(const Desired& d, const Current& now) {
    Diff diff;
    const bool fetches = now.refresh && d.state != State::absent;
    const bool may_upgrade = d.state == State::latest && now.is_open();
    if (!now.acts() && !fetches && !may_upgrade && !now.marks()) return diff;
    const std::uint64_t lock_timeout = (d.lock_timeout.ms + 999) / 1000;
    std::vector<PackageChange> expected;
    std::vector<std::string> manual;
    for (const Row& row : now.rows) {
      if (row.marks) {
        diff.changes.push_back({.property = row.name, .before = "automatic", .after = asked_for});
        manual.push_back(row.name);
      }
      if (!row.acts) continue;
      const std::string after = d.state == State::absent ? "" : version_after(row, now);
      Change change{.property = row.name, .before = before(row)};
      change.after = d.state == State::absent ? Value(removed) : version_text(after);
      diff.changes.push_back(std::move(change));
      expected.push_back({row.name, row.installed ? row.installed->version : "", after});
    }
    add_others(now, diff.changes, expected);
    if (fetches) {
      const auto& unknown = now.forecast.unknown;
      diff.changes.push_back({.property = "index",
                              .after = unknown.empty() ? "fetched" : "fetched, as it has no " + unknown.front(),
                              .kind = Change::Kind::event});
    }
    if (d.state != State::absent && now.is_open() && (now.acts() || may_upgrade))
      diff.changes.push_back({.property = "others",
                              .after = "not known before the index is fetched",
                              .kind = Change::Kind::unknown});
    if (now.forecast.download_bytes.value_or(0) > 0)
      diff.changes.push_back(
          {.property = "download",
           .after = (now.is_open() ? "about " : "") + size_text(*now.forecast.download_bytes),
           .kind = Change::Kind::event});
    if (now.interrupted && !removes_the_broken(d, now)) {
      diff.changes.push_back({.property = "dpkg", .before = "interrupted", .after = "repaired"});
      diff.actions.push_back(RepairPackages{lock_timeout});
    }
    if (d.state == State::absent) {
      RemovePackages remove{texts(now.rows, false), lock_timeout, std::move(expected)};
      remove.names.insert(remove.names.end(), now.unneeded.begin(), now.unneeded.end());
      diff.actions.push_back(std::move(remove));
      return diff;
    }
    InstallPackages install{
        .lock_timeout = lock_timeout, .expected = std::move(expected), .manual = std::move(manual)};
    if (now.acts() || fetches || may_upgrade) {
      install.wanted = texts(now.rows, d.state == State::latest);
      install.refresh_index = now.refresh;
    }
    diff.actions.push_back(std::move(install));
    return diff;
  }

  // None of them was installed before.
  static bool made(const Desired& d, const std::vector<Change>& changes) {
    return std::all_of(d.names.list.begin(), d.names.list.end(), [&](const std::string& text) {
      const std::string name = parse_wanted(text).name;
      return std::any_of(changes.begin(), changes.end(),
                         [&](const Change& c) { return c.property == name && c.before.is_null(); });
    });
  }

  // An interrupted transaction.
  static std::vector<Action> recover(const Desired& d, const MachineReader& machine, const Interruption& how) {
    if (!machine.packages().interrupted() && !how.restarted) return {};
    return {RepairPackages{(d.lock_timeout.ms + 999) / 1000, how.restarted ? how.began : 0}};
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    Value::Array names;
    for (const std::string& text : d.names.list) names.emplace_back(parse_wanted(text).name);
    v.set("names", std::move(names));
    v.set("state", "absent");
    v.set("unneeded", true);
    return v;
  }

  // A plan against an old index does not know the version; the installed package has it.
  static void amend(std::vector<Change>& changes, const Desired& d, const Current& now) {
    if (d.state == State::absent) return;
    for (Change& change : changes)
      for (const Row& row : now.rows)
        if (change.property == row.name && change.after != Value(asked_for) && row.installed &&
            !row.installed->version.empty())
          change.after = row.installed->version;
  }

  static Value outputs(const Desired&, const Current& now) {
    Value versions{Value::Object{}};
    for (const Row& row : now.rows) {
      const bool there = row.installed && row.installed->state == PackageState::installed;
      versions.set(row.name,
                   there && !row.installed->version.empty() ? Value(row.installed->version) : Value());
    }
    Value all;
    all.set("versions", std::move(versions));
    return all;
  }
};

}  // namespace
MLOPS_MODULE(Package);
}  // namespace mlops::modules
