#include "domains/services/overlay.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "domains/services/local.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using Verb = ChangeUnit::Verb;

namespace {
Unit base_unit() { return {"a.service", "loaded", "inactive", "dead", "disabled", true, "7"}; }
}  // namespace

TEST_CASE("without changes the overlay says what the machine says") {
  test::FakeServices base;
  base.units["a.service"] = base_unit();
  const OverlayServices overlay(base);
  CHECK(overlay.unit("a.service").active_state == "inactive");
  CHECK(overlay.unit("a.service").since == "7");
  CHECK_FALSE(overlay.unit("b.service").exists());
}

TEST_CASE("each verb has its effect on the overlay and none on the machine") {
  test::FakeServices base;
  base.units["a.service"] = base_unit();
  OverlayServices overlay(base);
  const auto after = [&](Verb verb) {
    overlay.apply({"a.service", verb});
    return overlay.unit("a.service");
  };
  CHECK(after(Verb::start).active());
  CHECK(overlay.unit("a.service").sub_state == "running");
  CHECK(after(Verb::reload).active());
  CHECK(after(Verb::enable).enabled());
  CHECK_FALSE(after(Verb::stop).active());
  CHECK(overlay.unit("a.service").sub_state == "dead");
  CHECK(after(Verb::restart).active());
  CHECK(after(Verb::disable).enabled_state == "disabled");
  CHECK(base.unit("a.service").active_state == "inactive");
}

TEST_CASE("an active unit keeps its sub state when it is started again") {
  test::FakeServices base;
  base.units["a.service"] = {"a.service", "loaded", "active", "exited", "enabled", false, "7"};
  OverlayServices overlay(base);
  overlay.apply({"a.service", Verb::start});
  CHECK(overlay.unit("a.service").sub_state == "exited");
}

TEST_CASE("what is on its way has arrived") {
  test::FakeServices base;
  base.units["a.service"] = {"a.service", "loaded", "activating", "auto-restart", "enabled", false, "7"};
  OverlayServices overlay(base);
  overlay.apply({"a.service", Verb::stop});
  CHECK(overlay.unit("a.service").active_state == "inactive");
  overlay.apply({"a.service", Verb::start});
  CHECK(overlay.unit("a.service").active_state == "active");
}

TEST_CASE("a unit that a package will bring is there once something was done to it") {
  test::FakeServices base;
  OverlayServices overlay(base);
  overlay.apply({"docker.service", Verb::enable});
  overlay.apply({"docker.service", Verb::start});
  const Unit unit = overlay.unit("docker.service");
  CHECK(unit.exists());
  CHECK(unit.active());
  CHECK(unit.enabled());
  CHECK_FALSE(overlay.unit("other.service").exists());
}

TEST_CASE("a machine without systemd says so on the overlay as well") {
  test::FakeServices base;
  base.no_systemd = true;
  const OverlayServices overlay(base);
  CHECK_THROWS_AS(overlay.unit("a.service"), Error);
}

TEST_CASE("where systemd does not run, what runs instead is named") {
  char name[] = "/tmp/mlops-root-XXXXXX";
  const std::string root = ::mkdtemp(name);
  const auto message = [&]() -> std::string {
    try {
      require_systemd(root);
    } catch (const Error& e) {
      return e.kind() == ErrorKind::unavailable ? e.what() : "another kind of error";
    }
    return "";
  };
  CHECK(message() == "systemd does not run here");
  std::filesystem::create_directories(root + "/proc/1");
  std::ofstream(root + "/proc/1/comm") << "tini\n";
  CHECK(message() == "systemd does not run here (PID 1 is `tini`)");
  std::filesystem::create_directories(root + "/run/systemd/system");
  CHECK(message() == "");
  std::filesystem::remove_all(root);
}
