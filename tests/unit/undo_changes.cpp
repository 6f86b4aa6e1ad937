// The changes of packages that an undo lists: removed or purged, versions, architectures, dependencies.
#include "host_run/undo_changes.hpp"

#include "model/wording.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;
using Names = std::vector<std::string>;

namespace {

FakePackages machine() {
  FakePackages p;
  p.present["nano"] = {"nano", "amd64", "7.2", PackageState::installed};
  p.present["jq"] = {"jq", "amd64", "1.6", PackageState::installed};
  p.present["libjq1"] = {"libjq1", "amd64", "1.6", PackageState::installed};
  return p;
}

Names words(const std::vector<Change>& changes) {
  Names all;
  for (const Change& change : changes) all.push_back(describe(change, 60));
  return all;
}

std::vector<Change> installed() {
  return {{.property = "nano", .after = "7.2"},
          {.property = "jq", .after = "1.6"},
          {.property = "+libjq1", .after = "version unknown"},
          {.property = "download", .after = "about 1.2 MB", .kind = Change::Kind::event}};
}

}  // namespace

TEST_CASE("undo says of each package whether it is removed or purged, and in which version") {
  std::vector<Change> changes = turned("package", installed());
  name_removals(changes, {.names = {"nano", "jq", "libjq1"}, .purged = {"jq", "libjq1"}}, {}, machine());
  CHECK(words(changes) == Names{"nano 7.2 → removed", "jq 1.6 → purged", "+libjq1 1.6 → purged"});
  CHECK(changes[2].after == Value("purged"));
}

TEST_CASE("undo names what came along though no plan knew it, and not what is gone by now") {
  std::vector<Change> changes =
      turned("package", {{.property = "jq", .after = "1.6"}, {.property = "nano", .after = "7.2"}});
  name_removals(changes, {.names = {"jq", "libjq1"}}, {"nano"}, machine());
  CHECK(words(changes) == Names{"jq 1.6 → removed", "+libjq1 1.6 → removed"});
}

TEST_CASE("a package of another architecture is known by its name") {
  std::vector<Change> changes = turned("package", {{.property = "jq:amd64", .after = "1.6"}});
  name_removals(changes, {.names = {"jq"}, .purged = {"jq"}}, {}, machine());
  CHECK(words(changes) == Names{"jq:amd64 1.6 → purged"});
}

TEST_CASE("undo of an undo says that packages come, and only of packages") {
  const std::vector<Change> undone{{.property = "jq", .before = "1.6", .after = "purged"},
                                   {.property = "+libjq1", .before = "1.6", .after = "removed"}};
  CHECK(words(turned("package", undone)) == Names{"jq 1.6", "+libjq1 1.6"});
  CHECK(words(turned("file", {{.property = "content", .before = "a", .after = "removed"}})) ==
        Names{"content removed → a"});
}
