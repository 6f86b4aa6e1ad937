#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;
using Names = std::vector<std::string>;
using Changes = std::vector<PackageChange>;

namespace {

FakeMachine machine() {
  FakeMachine m;
  m.p.present["bash"] = {"bash", "amd64", "5.2", PackageState::installed};
  m.p.present["mawk"] = m.p.present["awk"] = {"mawk", "amd64", "1.3", PackageState::installed};
  m.p.present["telnet"] = {"telnet", "all", "0.17", PackageState::config_files};
  m.p.present["broken"] = {"broken", "amd64", "1.0", PackageState::interrupted};
  m.p.candidates = {
      {"bash", "5.2"}, {"docker.io", "20.10"}, {"jq", "1.6"}, {"telnet", "0.18"}, {"broken", "1.0"}};
  m.p.brings["docker.io"] = {{"containerd", "", "1.6"}, {"libc6", "2.35", "2.36"}, {"lxc", "5.0", ""}};
  m.p.age = 3600;
  return m;
}

Diff diff(const std::string& json, const FakeMachine& m = machine()) {
  return try_module("package", json, m).diff;
}

std::string failure(const std::string& json, const FakeMachine& m = machine()) {
  try {
    diff(json, m);
  } catch (const Error& error) {
    return error.message();
  } catch (const std::runtime_error& mistakes) {
    return mistakes.what();
  }
  return "none";
}

std::string text(const Diff& d) {
  std::string all;
  for (const Change& c : d.changes) {
    all += c.property + ": " + c.before.to_text() + " -> " + c.after.to_text();
    all += c.is_event() ? " (event)\n" : c.is_state() ? "\n" : " (unknown)\n";
  }
  return all;
}

bool has(const std::string& whole, const std::string& part) { return whole.find(part) != std::string::npos; }

// Asking apt is a mistake.
struct NoApt : FakePackages {
  bool interrupted() const override { throw std::logic_error("asked"); }
  std::optional<std::uint64_t> index_age() const override { throw std::logic_error("asked"); }
  Forecast forecast_install(const Names&) const override { throw std::logic_error("asked"); }
  Forecast forecast_removal(const Names&) const override { throw std::logic_error("asked"); }
};
struct NoAptMachine : FakeMachine {
  NoApt none;
  const PackageReader& packages() const override { return none; }
};

}  // namespace

TEST_CASE("package: what is as desired is left alone, without asking apt") {
  NoAptMachine m;
  static_cast<FakePackages&>(m.none) = machine().p;
  for (const char* json :
       {R"({"names": "bash"})", R"({"names": ["bash", "awk"], "refresh": "1s"})", R"({"names": "bash=5.2"})",
        R"({"names": "jq", "state": "absent"})", R"({"names": ["telnet", "awk"], "state": "absent"})"})
    CHECK(try_module("package", json, m).diff.empty());
}

TEST_CASE("package: a missing one is installed, and the plan says its version and what comes along") {
  const Diff d = diff(R"({"names": ["bash", "docker.io"]})");
  CHECK(text(d) ==
        "docker.io: null -> 20.10\n"
        "+containerd: null -> 1.6\n"
        "+libc6: 2.35 -> 2.36\n"
        "+lxc: 5.0 -> removed\n");
  REQUIRE(d.actions.size() == 1);
  const auto* install = action<InstallPackages>(d, 0);
  REQUIRE(install);
  CHECK(install->wanted == Names{"docker.io"});
  CHECK_FALSE(install->refresh_index);
  CHECK(install->lock_timeout == 600);
  CHECK(install->expected == Changes{{"docker.io", "", "20.10"},
                                     {"containerd", "", "1.6"},
                                     {"libc6", "2.35", "2.36"},
                                     {"lxc", "5.0", ""}});
}

TEST_CASE("package: the download size is an event") {
  struct Sized : FakePackages {
    Forecast forecast_install(const Names& wanted) const override {
      Forecast f = FakePackages::forecast_install(wanted);
      f.download_bytes = 66'123'456;
      return f;
    }
  };
  struct SizedMachine : FakeMachine {
    Sized sized;
    const PackageReader& packages() const override { return sized; }
  } m;
  static_cast<FakePackages&>(m.sized) = machine().p;
  CHECK(text(try_module("package", R"({"names": "jq"})", m).diff) ==
        "jq: null -> 1.6\ndownload: null -> 66.1 MB (event)\n");
}

TEST_CASE("package: one of which only configuration files are left is installed") {
  CHECK(text(diff(R"({"names": "telnet"})")) == "telnet: null -> 0.18\n");
}

TEST_CASE("package: another version than the desired one is changed") {
  const Diff d = diff(R"({"names": "bash=5.1"})");
  CHECK(text(d) == "bash: 5.2 -> 5.1\n");
  CHECK(action<InstallPackages>(d, 0)->wanted == Names{"bash=5.1"});
}

TEST_CASE("package: a provider does not satisfy a desired version") {
  auto m = machine();
  m.p.candidates["awk"] = "2";
  CHECK_FALSE(diff(R"({"names": "awk=2"})", m).empty());
}

TEST_CASE("package: an interrupted one is repaired first") {
  auto m = machine();
  m.p.cut_short = true;
  const Diff d = diff(R"({"names": "broken", "lock_timeout": "1500ms"})", m);
  CHECK(text(d) == "broken: 1.0 (interrupted) -> 1.0\ndpkg: interrupted -> repaired\n");
  REQUIRE(d.actions.size() == 2);
  REQUIRE(action<RepairPackages>(d, 0));
  CHECK(action<RepairPackages>(d, 0)->lock_timeout == 2);
  CHECK(action<InstallPackages>(d, 1)->wanted == Names{"broken"});
}

TEST_CASE(
    "package: an interrupted dpkg does not matter where nothing is to be done, and is repaired where it is") {
  auto m = machine();
  m.p.cut_short = true;
  CHECK(diff(R"({"names": "bash"})", m).empty());
  CHECK(action<RepairPackages>(diff(R"({"names": "jq"})", m), 0));
  CHECK(action<RepairPackages>(diff(R"({"names": "bash", "state": "absent"})", m), 0));
}

TEST_CASE("package: absent removes what is installed or interrupted, with its dependants") {
  const Diff d = diff(R"({"names": ["bash", "jq"], "state": "absent"})");
  CHECK(text(d) == "bash: 5.2 -> removed\n");
  const auto* remove = action<RemovePackages>(d, 0);
  REQUIRE(remove);
  CHECK(remove->names == Names{"bash"});
  CHECK(remove->expected == Changes{{"bash", "5.2", ""}});
}

TEST_CASE("package: one that cannot be repaired can be removed") {
  auto m = machine();
  m.p.cut_short = true;
  const Diff d = diff(R"({"names": "broken", "state": "absent"})", m);
  REQUIRE(d.actions.size() == 1);
  CHECK(action<RemovePackages>(d, 0)->names == Names{"broken"});
}

TEST_CASE("package: absent does not remove a provider of the name") {
  CHECK(diff(R"({"names": "awk", "state": "absent"})").empty());
}

TEST_CASE("package: latest upgrades when the index has a newer version") {
  CHECK(diff(R"({"names": "bash", "state": "latest"})").empty());
  auto m = machine();
  m.p.candidates["bash"] = "5.3";
  const Diff d = diff(R"({"names": ["bash"], "state": "latest"})", m);
  CHECK(text(d) == "bash: 5.2 -> 5.3\n");
  CHECK(action<InstallPackages>(d, 0)->wanted == Names{"bash"});
}

TEST_CASE("package: an index that is too old is fetched before something is installed, versions are unknown") {
  const Diff d = diff(R"({"names": "docker.io", "refresh": "30m"})");
  CHECK(text(d) ==
        "docker.io: null -> version unknown\n"
        "+containerd: null -> version unknown\n"
        "+libc6: 2.35 -> version unknown\n"
        "+lxc: 5.0 -> removed\n"
        "index: null -> fetched (event)\n"
        "others: null -> not known before the index is fetched (unknown)\n");
  const auto* install = action<InstallPackages>(d, 0);
  REQUIRE(install);
  CHECK(install->refresh_index);
  CHECK(install->expected == Changes{{"docker.io", "", ""}, {"containerd", "", ""}, {"lxc", "5.0", ""}});
  CHECK_FALSE(action<InstallPackages>(diff(R"({"names": "docker.io", "refresh": "2h"})"), 0)->refresh_index);
}

TEST_CASE("package: an index that was never fetched is too old") {
  auto m = machine();
  m.p.age.reset();
  CHECK(action<InstallPackages>(diff(R"({"names": "jq", "refresh": "9d"})", m), 0)->refresh_index);
}

TEST_CASE("package: latest with an index that is too old fetches it even when nothing is newer") {
  const Diff d = diff(R"({"names": "bash", "state": "latest", "refresh": "30m"})");
  CHECK(text(d) ==
        "index: null -> fetched (event)\nothers: null -> not known before the index is fetched (unknown)\n");
  CHECK(action<InstallPackages>(d, 0)->refresh_index);
  CHECK(action<InstallPackages>(d, 0)->wanted == Names{"bash"});
}

TEST_CASE("package: a name that the index does not know is looked for in a new one") {
  const Diff d = diff(R"({"names": ["jq", "brand-new"]})");
  CHECK(text(d) ==
        "jq: null -> version unknown\nbrand-new: null -> version unknown\nindex: null -> fetched, as it has no "
        "brand-new (event)\nothers: null -> not known before the index is fetched (unknown)\n");
  CHECK(action<InstallPackages>(d, 0)->refresh_index);
}

TEST_CASE(
    "package: a name that the index does not know is looked for in a new one, however fresh the old one is") {
  auto m = machine();
  m.p.age = 0;
  CHECK(action<InstallPackages>(diff(R"({"names": "brand-new"})", m), 0)->refresh_index);
  CHECK(action<InstallPackages>(diff(R"({"names": "brand-new", "refresh": "0s"})", m), 0)->refresh_index);
}

TEST_CASE("package: what a step before fetches the index for is planned with the same reserve") {
  auto m = machine();
  m.p.of_older_index = true;
  const Diff install = diff(R"({"names": "docker.io"})", m);
  CHECK(text(install) ==
        "docker.io: null -> version unknown\n"
        "+containerd: null -> version unknown\n"
        "+libc6: 2.35 -> version unknown\n"
        "+lxc: 5.0 -> removed\n"
        "others: null -> not known before the index is fetched (unknown)\n");
  CHECK_FALSE(action<InstallPackages>(install, 0)->refresh_index);
  CHECK(text(diff(R"({"names": "bash", "state": "latest"})", m)) ==
        "others: null -> not known before the index is fetched (unknown)\n");
  CHECK(diff(R"({"names": "bash"})", m).empty());
}

TEST_CASE("package: an index that is older than the lists of sources is fetched again") {
  auto m = machine();
  m.p.outdated = true;
  CHECK(text(diff(R"({"names": "jq"})", m)) ==
        "jq: null -> version unknown\nindex: null -> fetched (event)\n"
        "others: null -> not known before the index is fetched (unknown)\n");
  CHECK(diff(R"({"names": "bash"})", m).empty());
}

TEST_CASE("package: one that came along with another and is asked for is marked so, without being touched") {
  auto m = machine();
  m.p.present["bash"].automatic = true;
  m.p.candidates["bash"] = "5.3";
  const Diff d = diff(R"({"names": "bash"})", m);
  CHECK(text(d) == "bash: automatic -> asked for\n");
  REQUIRE(d.actions.size() == 1);
  CHECK(action<InstallPackages>(d, 0)->wanted.empty());
  CHECK(action<InstallPackages>(d, 0)->manual == Names{"bash"});
  const Diff both = diff(R"({"names": ["bash", "jq"]})", m);
  CHECK(text(both) == "bash: automatic -> asked for\njq: null -> 1.6\n");
  CHECK(action<InstallPackages>(both, 0)->wanted == Names{"jq"});
  CHECK(action<InstallPackages>(both, 0)->manual == Names{"bash"});
}

TEST_CASE("package: neither a provider of the name nor what is to be absent is marked as asked for") {
  auto m = machine();
  m.p.present["mawk"].automatic = m.p.present["awk"].automatic = m.p.present["telnet"].automatic = true;
  CHECK(diff(R"({"names": "awk"})", m).empty());
  CHECK(diff(R"({"names": "telnet", "state": "absent"})", m).empty());
}

TEST_CASE("package: after it was removed, its version is not reported as the installed one") {
  auto m = machine();
  std::vector<Change> changes = diff(R"({"names": "bash", "state": "absent"})", m).changes;
  m.p.present["bash"].state = PackageState::config_files;
  const auto tried = try_module("package", R"({"names": "bash", "state": "absent"})", m);
  find_module("package")->amend(changes, tried.desired, tried.current);
  CHECK(changes.at(0).after == Value("removed"));
}

TEST_CASE("package: what nothing needs any more goes along only where apt removes nothing else for it") {
  auto m = machine();
  const std::string json = R"({"names": "jq", "state": "absent", "unneeded": true})";
  m.p.present["jq"] = {"jq", "amd64", "1.6", PackageState::installed};
  m.p.present["libjq1"] = {"libjq1", "amd64", "1.6", PackageState::installed};
  m.p.unneeded["jq"] = {"libjq1"};
  const Diff d = diff(json, m);
  CHECK(text(d) == "jq: 1.6 -> removed\n+libjq1: 1.6 -> removed\n");
  CHECK(action<RemovePackages>(d, 0)->names == Names{"jq", "libjq1"});
  CHECK(text(diff(R"({"names": "jq", "state": "absent"})", m)) == "jq: 1.6 -> removed\n");

  struct Greedy : FakePackages {
    Forecast forecast_removal(const Names& names) const override {
      Forecast f = FakePackages::forecast_removal(names);
      if (names.size() > 1) f.changes.push_back({"theirs", "1", ""});
      return f;
    }
  };
  struct GreedyMachine : FakeMachine {
    Greedy greedy;
    const PackageReader& packages() const override { return greedy; }
  } greedy;
  static_cast<FakePackages&>(greedy.greedy) = m.p;
  CHECK(text(try_module("package", json, greedy).diff) == "jq: 1.6 -> removed\n");
  CHECK(has(failure(R"({"names": "jq", "unneeded": true})"), "`unneeded` is for state absent"));
}

TEST_CASE("package: apt's refusal is an error, but not in the middle of an interrupted installation") {
  struct Refuses : FakePackages {
    Forecast forecast_install(const Names&) const override { throw Error("Held packages were changed"); }
  };
  struct RefusingMachine : FakeMachine {
    Refuses refuses;
    const PackageReader& packages() const override { return refuses; }
  } m;
  try {
    try_module("package", R"({"names": "jq"})", m);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.message() == "Held packages were changed");
  }
  m.refuses.cut_short = true;
  CHECK(text(try_module("package", R"({"names": "jq"})", m).diff) ==
        "jq: null -> version unknown\ndpkg: interrupted -> repaired\n");
}

TEST_CASE("package: an architecture belongs to the name") {
  auto m = machine();
  m.p.candidates["jq:i386"] = "1.6";
  const Diff d = diff(R"({"names": "jq:i386=1.5"})", m);
  CHECK(text(d) == "jq:i386: null -> 1.5\n");
}

TEST_CASE("package: names that are none are mistakes") {
  CHECK(has(failure(R"({"names": []})"), "names is empty"));
  CHECK(has(failure(R"({"names": "Docker"})"), "`Docker` is no package name"));
  CHECK(has(failure(R"({"names": "foo-"})"), "`foo-` is no package name"));
  CHECK(has(failure(R"({"names": "-foo"})"), "`-foo` is no package name"));
  CHECK(has(failure(R"({"names": "foo:"})"), "`foo:` is no package name"));
  CHECK(has(failure(R"({"names": "foo="})"), "`` is no version of `foo`"));
  CHECK(has(failure(R"({"names": "foo=*"})"), "`*` is no version of `foo`"));
  CHECK(has(failure(R"({"names": ["foo", "foo=1"]})"), "`foo` is named twice"));
  CHECK(has(failure(R"({"names": "foo=1", "state": "latest"})"), "asks for a version"));
  CHECK(failure(R"({"names": ["g++", "libstdc++6:i386=1:12.2~rc1-14+b2"]})", [] {
          auto m = machine();
          m.p.candidates = {{"g++", "1"}, {"libstdc++6:i386", "1"}};
          return m;
        }()) == "none");
}

TEST_CASE("package: it owns its names, with state or version as the desired value") {
  const auto claims = [](const char* json) {
    return find_module("package")->claims(try_module("package", json, machine()).desired);
  };
  const Claims present = claims(R"({"names": ["bash", "jq=1.6"]})");
  REQUIRE(present.size() == 2);
  CHECK(present[0].key == "bash");
  CHECK(present[0].desired == "present");
  CHECK(present[1].key == "jq");
  CHECK(present[1].desired == "=1.6");
  CHECK(claims(R"({"names": "bash", "state": "absent"})")[0].desired == "absent");
}

TEST_CASE("package: its outputs are the versions") {
  const auto tried = try_module("package", R"({"names": ["bash", "jq"]})", machine());
  CHECK(to_json(find_module("package")->outputs(tried.desired, tried.current).values) ==
        R"({"versions":{"bash":"5.2","jq":null}})");
}

TEST_CASE("package: after acting, the installed version is reported where the plan could not know it") {
  FakeMachine m = machine();
  std::vector<Change> changes = diff(R"({"names": ["tree"]})", m).changes;
  REQUIRE(changes.at(0).after == Value("version unknown"));
  m.p.present["tree"] = {"tree", "amd64", "2.1", PackageState::installed};
  const auto tried = try_module("package", R"({"names": ["tree"]})", m);
  find_module("package")->amend(changes, tried.desired, tried.current);
  CHECK(changes.at(0).after == Value("2.1"));
}
