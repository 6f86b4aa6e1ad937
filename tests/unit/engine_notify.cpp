// Notifications: a later resource acts once, in its own place.
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

void runs(FakeHost& host, const std::string& unit) {
  host.world.s.units[unit] = {unit, "loaded", "active", "running", "", false, "1"};
}

}  // namespace

TEST_CASE("A notified resource acts once, in its own place, however many notify it") {
  EngineBench bench;
  runs(bench.host, "u");
  const std::string playbook = R"({"resources": [
    {"type": "link", "path": "/a", "target": "1", "notify": "s"},
    {"type": "file", "path": "/b", "content": "1", "notify": "s"},
    {"type": "link", "path": "/c", "target": "1"},
    {"type": "unit", "id": "s", "name": "u"}]})";
  CHECK(bench.apply(playbook) ==
        Lines{"link[/a] changed", "file[/b] changed", "link[/c] changed", "unit[s] changed"});
  CHECK(bench.host.log ==
        Lines{"root: link /a -> 1", "root: write /b", "root: link /c -> 1", "root: restart u"});
  CHECK(bench.apply(playbook) == Lines{"link[/a] ok", "file[/b] ok", "link[/c] ok", "unit[s] ok"});
}

TEST_CASE("A start satisfies a restart") {
  EngineBench bench;
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1", "notify": "s"}, {"type": "unit", "id": "s", "name": "u"}]})") ==
        Lines{"link[/a] changed", "unit[s] changed"});
  CHECK(bench.host.log == Lines{"root: link /a -> 1", "root: start u"});
}

TEST_CASE("A resource that changed nothing, failed or was skipped notifies nobody") {
  EngineBench bench;
  runs(bench.host, "u");
  bench.host.world.f.link("/a", "1");
  bench.host.failing["/b"] = "no";
  CHECK(bench.apply(R"({"vars": {"x": 1}, "resources": [
    {"type": "link", "path": "/a", "target": "1", "notify": "s"},
    {"type": "link", "path": "/b", "target": "1", "notify": "s"},
    {"type": "link", "path": "/c", "target": "1", "notify": "s", "when": {"vars.x": 2}},
    {"type": "unit", "id": "s", "name": "u"}]})") ==
        Lines{"link[/a] ok", "link[/b] failed: no", "link[/c] skipped: vars.x is 1, expected 2", "unit[s] ok"});
}

TEST_CASE("A failure keeps the notification for the next one of a for_each") {
  EngineBench bench;
  runs(bench.host, "u");
  runs(bench.host, "v");
  bench.host.failing["u"] = "no";
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1", "notify": "s"},
    {"type": "unit", "id": "s", "for_each": ["u", "v"], "name": "{{item}}"}]})") ==
        Lines{"link[/a] changed", "unit[s][u] failed: no", "unit[s][v] changed"});
}

TEST_CASE("A notified resource that acted notifies the next") {
  EngineBench bench;
  runs(bench.host, "u");
  runs(bench.host, "v");
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1", "notify": "s"},
    {"type": "unit", "id": "s", "name": "u", "notify": "t"},
    {"type": "unit", "id": "t", "name": "v"}]})") ==
        Lines{"link[/a] changed", "unit[s] changed", "unit[t] changed"});
}

TEST_CASE("A plan says maybe for what is notified only by something unknown") {
  EngineBench bench;
  runs(bench.host, "u");
  const std::string playbook = R"({"resources": [
    {"type": "link", "path": "/x", "target": "1"},
    {"type": "program", "id": "p", "argv": ["set"], "unless": ["ask"], "bound": true, "notify": "s"},
    {"type": "unit", "id": "s", "name": "u"}]})";
  CHECK(bench.plan(playbook) == Lines{"link[/x] would_change", "program[p] unknown: waits for link[/x]",
                                      "unit[s] would_change unless program[p]"});
  // What is sure to notify besides makes it sure.
  CHECK(bench.plan(R"({"resources": [
    {"type": "link", "path": "/x", "target": "1", "notify": "s"},
    {"type": "program", "id": "p", "argv": ["set"], "unless": ["ask"], "bound": true, "notify": "s"},
    {"type": "unit", "id": "s", "name": "u"}]})") ==
        Lines{"link[/x] would_change", "program[p] unknown: waits for link[/x]", "unit[s] would_change"});
}
