#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;
using Verb = ChangeUnit::Verb;

namespace {

Unit unit(std::string active, std::string enabled, bool can_reload = true) {
  const std::string sub = active == "active" ? "running" : "dead";
  return {"a.service", "loaded", std::move(active), sub, std::move(enabled), can_reload, "1"};
}

Tried service(const std::string& parameters, const Unit& now, bool notified = false) {
  FakeMachine machine;
  machine.s.units[now.name] = now;
  return try_module("service", "{\"name\": \"a\"" + parameters + "}", machine, notified);
}

// The changes and the verbs in a line: "state stopped>running | start".
std::string in_a_line(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes)
    text +=
        c.property + " " + c.before.to_text() + ">" + c.after.to_text() + (c.is_event() ? " (event) " : " ");
  text += "|";
  const char* verbs[] = {"start", "stop", "restart", "reload", "enable", "disable"};
  for (std::size_t i = 0; i < diff.actions.size(); ++i) {
    const auto* change = action<ChangeUnit>(diff, i);
    REQUIRE(change);
    CHECK(change->unit == "a.service");
    text += std::string(" ") + verbs[static_cast<int>(change->verb)];
  }
  return text;
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "(no error)";
}

}  // namespace

TEST_CASE("service: every desired state from every state that a unit can be in") {
  struct Row {
    const char *now, *running, *stopped;
  };
  const Row rows[] = {
      {"active", "|", "state running>stopped | stop"},
      {"reloading", "|", "state running>stopped | stop"},
      {"inactive", "state stopped>running | start", "|"},
      {"failed", "state failed>running | start", "|"},
      {"activating", "state activating>running | start", "state activating>stopped | stop"},
      {"deactivating", "state deactivating>running | start", "state deactivating>stopped | stop"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.now);
    CHECK(in_a_line(service(R"(, "state": "running")", unit(row.now, "enabled")).diff) == row.running);
    CHECK(in_a_line(service(R"(, "state": "stopped")", unit(row.now, "enabled")).diff) == row.stopped);
    CHECK(in_a_line(service("", unit(row.now, "enabled")).diff) == "|");
  }
}

TEST_CASE("service: enabled and disabled from every state that a unit file can be in") {
  struct Row {
    const char *now, *enabled, *disabled;
  };
  const std::string enable = "enabled false>true | enable", disable = "enabled true>false | disable";
  const std::string lasting = "enabled until the next boot>true | enable",
                    no_longer = "enabled until the next boot>false | disable";
  const Row rows[] = {
      {"enabled", "|", disable.c_str()}, {"enabled-runtime", lasting.c_str(), no_longer.c_str()},
      {"alias", "|", disable.c_str()},   {"disabled", enable.c_str(), "|"},
      {"indirect", enable.c_str(), "|"}, {"linked", enable.c_str(), "|"},
      {"", enable.c_str(), "|"}};
  for (const Row& row : rows) {
    CAPTURE(row.now);
    CHECK(in_a_line(service(R"(, "enabled": true)", unit("active", row.now)).diff) == row.enabled);
    CHECK(in_a_line(service(R"(, "enabled": false)", unit("active", row.now)).diff) == row.disabled);
    CHECK(in_a_line(service("", unit("active", row.now)).diff) == "|");
  }
  for (const char* fixed : {"static", "generated", "transient"}) {
    CHECK(message_of([&] { service(R"(, "enabled": true)", unit("active", fixed)); }) ==
          std::string("a.service is ") + fixed + ": it cannot be enabled");
    CHECK(in_a_line(service(R"(, "enabled": false)", unit("active", fixed)).diff) == "|");
  }
}

TEST_CASE("service: it is enabled before it is started, and a oneshot that remains runs") {
  CHECK(in_a_line(service(R"(, "state": "running", "enabled": true)", unit("inactive", "disabled")).diff) ==
        "enabled false>true state stopped>running | enable start");
  Unit exited = unit("active", "enabled");
  exited.sub_state = "exited";
  CHECK(service(R"(, "state": "running")", exited).diff.empty());
}

TEST_CASE("service: a unit that is not there is planned as it is needed") {
  FakeMachine machine;
  machine.s.units["a.service"] = {"a.service", "not-found", "inactive", "dead", "", false, "0"};
  machine.s.units["a.service"].may_come = true;
  const auto tried = try_module("service", R"({"name": "a", "state": "running", "enabled": true})", machine);
  CHECK(in_a_line(tried.diff) == "enabled false>true state absent>running | enable start");
  CHECK(try_module("service", R"({"name": "a", "state": "stopped", "enabled": false})", machine).diff.empty());
}

TEST_CASE("service: a unit that nothing has and nothing pending brings is an error, unless its file is there") {
  FakeMachine machine;
  const auto tried = [&](const std::string& more) {
    return message_of([&] { try_module("service", R"({"name": "a@1", )" + more + "}", machine); });
  };
  CHECK(tried(R"("state": "running")") == "there is no unit a@1.service, and nothing before it brings one");
  CHECK(tried(R"("enabled": true)") == "there is no unit a@1.service, and nothing before it brings one");
  CHECK(tried(R"("state": "stopped", "enabled": false)") == "(no error)");
  machine.f.file("/etc/systemd/system/a@.service", "");
  CHECK(tried(R"("state": "running")") == "(no error)");
}

TEST_CASE("service: notified, it restarts or reloads when it runs and stays so") {
  const Unit active = unit("active", "enabled");
  CHECK(in_a_line(service("", active, true).diff) == "restarts null>true (event) | restart");
  CHECK(in_a_line(service(R"(, "state": "running")", active, true).diff) ==
        "restarts null>true (event) | restart");
  CHECK(in_a_line(service(R"(, "on_notify": "reload")", active, true).diff) ==
        "reloads null>true (event) | reload");
  CHECK(in_a_line(service(R"(, "on_notify": "reload")", unit("active", "", false), true).diff) ==
        "restarts null>true (event) | restart");
  CHECK(in_a_line(service("", unit("inactive", "enabled"), true).diff) == "|");
  CHECK(in_a_line(service("", unit("failed", "enabled"), true).diff) == "|");
}

TEST_CASE("service: a start or a stop satisfies a notification") {
  CHECK(in_a_line(service(R"(, "state": "running")", unit("inactive", "enabled"), true).diff) ==
        "state stopped>running | start");
  CHECK(in_a_line(service(R"(, "state": "stopped")", unit("active", "enabled"), true).diff) ==
        "state running>stopped | stop");
}

TEST_CASE("service: a masked unit cannot be had, but can be left alone") {
  Unit masked = unit("inactive", "masked");
  masked.load_state = "masked";
  const std::string message = "a.service is masked; `systemctl unmask a.service` makes it usable again";
  CHECK(message_of([&] { service(R"(, "state": "running")", masked); }) == message);
  CHECK(message_of([&] { service(R"(, "enabled": true)", masked); }) == message);
  CHECK(service(R"(, "state": "stopped", "enabled": false)", masked).diff.empty());
}

TEST_CASE("service: a unit whose file systemd cannot read is an error") {
  Unit bad = unit("inactive", "disabled");
  bad.load_state = "bad-setting";
  CHECK(message_of([&] { service(R"(, "state": "running")", bad); }) ==
        "systemd cannot read the file of a.service (bad-setting)");
}

TEST_CASE("service: without systemd the reader's error passes through") {
  FakeMachine machine;
  machine.s.no_systemd = true;
  CHECK(message_of([&] { try_module("service", R"({"name": "a"})", machine); }) == "systemd does not run here");
}

TEST_CASE("service: the suffix .service is added where there is none of a unit") {
  const auto name_of = [](const std::string& name) {
    const auto tried = try_module("service", "{\"name\": \"" + name + "\"}", FakeMachine());
    return find_module("service")->claims(tried.desired).at(0).key;
  };
  CHECK(name_of("docker") == "docker.service");
  CHECK(name_of("docker.service") == "docker.service");
  CHECK(name_of("docker.socket") == "docker.socket");
  CHECK(name_of("apt-daily.timer") == "apt-daily.timer");
  CHECK(name_of("org.example.x") == "org.example.x.service");
  CHECK(name_of("getty@tty1") == "getty@tty1.service");
}

TEST_CASE("service: what is no name of a unit is a mistake at its place") {
  const std::string message = message_of([] { try_module("service", R"({"name": "a b"})", FakeMachine()); });
  CHECK(message.find("test.json:1:10: error: `a b` is no name of a unit") == 0);
}

TEST_CASE("service: it gives its state to later resources and is done by root") {
  const Module& module = *find_module("service");
  const auto tried = service("", unit("active", "enabled"));
  CHECK(to_json(module.outputs(tried.desired, tried.current).values) ==
        R"({"name":"a.service","state":"running","enabled":true})");
  CHECK(module.actor(tried.desired).kind == Actor::Kind::root);
  CHECK(module.settles);
  CHECK(module.notifiable);
}

TEST_CASE(
    "service: one with a process must have been up for `stable` before it counts, two seconds where nothing is "
    "said") {
  const Module& module = *find_module("service");
  const auto left = [&](const std::string& parameters, std::uint64_t up_ms, const char* sub = "running") {
    Unit now = unit("active", "enabled");
    now.sub_state = sub;
    now.up_ms = up_ms;
    const Tried tried = service(parameters, now);
    return module.unsettled_ms(tried.desired, tried.current);
  };
  const std::string running = R"(, "state": "running")";
  CHECK(left(running, 300) == 1700);
  CHECK(left(running, 2000) == 0);
  CHECK(left(running, UINT64_MAX) == 0);
  CHECK(left(running, 300, "exited") == 0);
  CHECK(left("", 300) == 0);
  CHECK(left(running + R"(, "stable": "5s")", 2000) == 3000);
  CHECK(left(running + R"(, "stable": "0s")", 0) == 0);
}

TEST_CASE("service: what takes it away stops it, and disables it, as far as it was made to run or start") {
  const Module& module = *find_module("service");
  const auto removal = [&](const std::string& parameters) {
    const Tried tried = service(parameters, unit("inactive", "disabled"));
    return to_json(module.removal(tried.desired)) +
           (module.made(tried.desired, tried.diff.changes) ? " made" : "");
  };
  CHECK(removal(R"(, "state": "running", "enabled": true)") ==
        R"({"type":"service","name":"a","state":"stopped","enabled":false} made)");
  CHECK(removal(R"(, "state": "running")") == R"({"type":"service","name":"a","state":"stopped"} made)");
  CHECK(removal(R"(, "enabled": true)") == R"({"type":"service","name":"a","enabled":false} made)");
  CHECK(removal(R"(, "state": "stopped")") == "false");
  CHECK(removal("") == "false");
  const Tried ran = service(R"(, "state": "running", "enabled": true)", unit("active", "disabled"));
  CHECK_FALSE(module.made(ran.desired, ran.diff.changes));
}

TEST_CASE("service: a failure shows what the unit logged") {
  FakeMachine machine;
  machine.s.logs["a.service"] = "no such configuration";
  const Tried tried = service(R"(, "state": "running")", unit("failed", "enabled"));
  CHECK(find_module("service")->evidence(tried.desired, machine, 0) == "no such configuration");
}
