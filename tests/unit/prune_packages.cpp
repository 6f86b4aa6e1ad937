// Packages that a playbook no longer has go one by one.
#include "host_run/prune_packages.hpp"

#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;
using Names = std::vector<std::string>;

namespace {

// Removing a package removes what needs it.
struct Needing : FakePackages {
  std::map<std::string, Names> needed_by;
  Forecast forecast_removal(const Names& names) const override {
    Forecast f = FakePackages::forecast_removal(names);
    for (const std::string& n : names)
      if (const auto found = needed_by.find(n); found != needed_by.end())
        for (const std::string& other : found->second) f.changes.push_back({other, "1", ""});
    return f;
  }
};

Needing machine() {
  Needing p;
  for (const char* name : {"jq", "nano", "libjq1"})
    p.present[name] = {name, "amd64", "1", PackageState::installed};
  p.present["left"] = {"left", "amd64", "1", PackageState::config_files};
  return p;
}

std::string nobody(const std::string&) { return ""; }

}  // namespace

TEST_CASE("each package by itself: one that another playbook has stays, the others go") {
  const Needing packages = machine();
  const auto chosen = choose_packages({"jq", "nano", "left", "gone"}, packages, [](const std::string& name) {
    return name == "jq" ? "it is also of the playbook other.json" : "";
  });
  CHECK(chosen.go == Names{"nano"});
  CHECK(chosen.stay == std::map<std::string, std::string>{{"jq", "it is also of the playbook other.json"}});
}

TEST_CASE("what something else needs stays, and what that needs, too") {
  Needing packages = machine();
  packages.needed_by = {{"jq", {"theirs"}}, {"libjq1", {"jq"}}};
  const auto chosen = choose_packages({"libjq1", "jq", "nano"}, packages, nobody);
  CHECK(chosen.go == Names{"nano"});
  CHECK(chosen.stay ==
        std::map<std::string, std::string>{{"jq", "theirs needs jq"}, {"libjq1", "jq needs libjq1"}});
}

TEST_CASE("packages that need each other go together") {
  Needing packages = machine();
  packages.needed_by = {{"libjq1", {"jq"}}};
  CHECK(choose_packages({"libjq1", "jq"}, packages, nobody).go == Names{"libjq1", "jq"});
}
