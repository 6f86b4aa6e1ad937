#include "domains/packages/overlay.hpp"

#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using Changes = std::vector<PackageChange>;
using Names = std::vector<std::string>;

namespace {

test::FakePackages machine() {
  test::FakePackages p;
  p.present["bash"] = {"bash", "amd64", "5.2", PackageState::installed};
  p.present["awk"] = p.present["mawk"] = {"mawk", "amd64", "1.3", PackageState::installed};
  p.candidates = {{"bash", "5.3"}, {"docker.io", "20.10"}, {"compose", "1.29"}, {"jq", "1.6"}};
  p.brings["docker.io"] = p.brings["compose"] = {{"containerd", "", "1.6"}};
  return p;
}

}  // namespace

TEST_CASE("an untouched overlay is its base and nothing is pending") {
  const auto base = machine();
  const OverlayPackages overlay(base);
  CHECK(overlay.installed("bash")->version == "5.2");
  CHECK_FALSE(overlay.installed("jq"));
  CHECK(overlay.candidate("jq") == "1.6");
  CHECK_FALSE(overlay.candidate("nope"));
  CHECK(overlay.index_age() == 60u);
  CHECK_FALSE(overlay.pending());
}

TEST_CASE("what a transaction expects is installed, and is not forecast again") {
  const auto base = machine();
  OverlayPackages overlay(base);
  overlay.apply(
      InstallPackages{{"docker.io"}, false, 0, {{"docker.io", "", "20.10"}, {"containerd", "", "1.6"}}});
  CHECK(overlay.pending());
  CHECK(overlay.installed("docker.io")->version == "20.10");
  CHECK(overlay.installed("containerd")->state == PackageState::installed);
  CHECK(overlay.forecast_install({"docker.io"}).changes.empty());
  CHECK(overlay.forecast_install({"compose"}).changes == Changes{{"compose", "", "1.29"}});
}

TEST_CASE("what is requested is installed even where the forecast did not know it") {
  const auto base = machine();
  OverlayPackages overlay(base);
  overlay.apply(InstallPackages{{"nvidia-driver", "jq=1.5"}, true, 0, {{"jq", "", ""}}});
  CHECK(overlay.installed("nvidia-driver")->version.empty());
  CHECK(overlay.installed("nvidia-driver")->state == PackageState::installed);
  CHECK(overlay.installed("jq")->version == "1.5");
}

TEST_CASE("an upgrade to a version that is not known is no removal") {
  const auto base = machine();
  OverlayPackages overlay(base);
  overlay.apply(InstallPackages{{"bash"}, true, 0, {{"bash", "5.2", ""}}});
  REQUIRE(overlay.installed("bash"));
  CHECK(overlay.installed("bash")->version.empty());
  CHECK(overlay.forecast_install({"bash"}).changes.empty());
}

TEST_CASE("after a refresh the index is new, and what the old one did not know has an unknown version") {
  const auto base = machine();
  OverlayPackages overlay(base);
  CHECK(overlay.forecast_install({"nope"}).unknown == Names{"nope"});
  CHECK_FALSE(overlay.forecast_install({"nope"}).of_older_index);
  overlay.apply(InstallPackages{{"jq"}, true, 0, {}});
  CHECK(overlay.index_age() == 0u);
  const Forecast forecast = overlay.forecast_install({"nope", "other=2"});
  CHECK(forecast.unknown.empty());
  CHECK(forecast.of_older_index);
  CHECK(forecast.changes == Changes{{"nope", "", ""}, {"other", "", "2"}});
  CHECK(overlay.candidate("nope") == "");
}

TEST_CASE("what was removed is absent, also as a provider, and can come back") {
  const auto base = machine();
  OverlayPackages overlay(base);
  overlay.apply(RemovePackages{{"mawk"}, 0, {{"mawk", "1.3", ""}, {"bash", "5.2", ""}}});
  CHECK_FALSE(overlay.installed("mawk"));
  CHECK_FALSE(overlay.installed("awk"));
  CHECK_FALSE(overlay.installed("bash"));
  CHECK_FALSE(overlay.pending());
  CHECK(overlay.forecast_removal({"mawk"}).changes.empty());
  const Changes back = overlay.forecast_install({"bash"}).changes;
  REQUIRE(back.size() == 1);
  CHECK(back[0].version_before.empty());
}

TEST_CASE("what was planned to be installed can be planned to be removed") {
  const auto base = machine();
  OverlayPackages overlay(base);
  overlay.apply(InstallPackages{{"jq"}, false, 0, {{"jq", "", "1.6"}}});
  CHECK(overlay.forecast_removal({"jq"}).changes == Changes{{"jq", "1.6", ""}});
}

TEST_CASE("after a repair nothing is interrupted") {
  auto base = machine();
  base.cut_short = true;
  base.present["bash"].state = PackageState::interrupted;
  OverlayPackages overlay(base);
  CHECK(overlay.interrupted());
  overlay.apply(RepairPackages{});
  CHECK_FALSE(overlay.interrupted());
  CHECK(overlay.installed("bash")->state == PackageState::installed);
}
