// After acting everything is looked at again, and so is at the end of a play what a later resource touched.
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::test;

TEST_CASE("A state change that is still there after acting is not converged, and fails what depends on it") {
  EngineBench bench;
  bench.host.idle = {"/a", "/f"};
  bench.host.world.f.link("/b", "old");
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1"},
    {"type": "file", "path": "/f", "content": "1"},
    {"type": "link", "path": "/b", "target": "{{resources.a.target}}"}]})") ==
        Lines{"link[a] not_converged: after the change, target is absent, expected 1",
              "file[/f] not_converged: after the change, content is absent, expected 1",
              "link[/b] skipped: link[a] failed"});
  CHECK(bench.result.count(Outcome::not_converged) == 2);
  CHECK(bench.result.count(Outcome::skipped) == 1);
}

TEST_CASE("Programs that always run and restarts are exempt") {
  EngineBench bench;
  CHECK(bench.apply(R"({"resources": [{"type": "program", "argv": ["go"]}]})") == Lines{"program[go] changed"});
  CHECK(bench.apply(R"({"resources": [{"type": "program", "argv": ["go"]}]})") == Lines{"program[go] changed"});
}

TEST_CASE("What has to settle is inspected again until it has converged, or time is up") {
  EngineBench bench;
  bench.host.idle = {"u"};
  bench.host.world.s.up_after = 3;  // looks after the start
  bench.options.settle = std::chrono::seconds(60);
  CHECK(bench.apply(R"({"resources": [{"type": "unit", "name": "u"}]})") == Lines{"unit[u] changed"});
  CHECK(bench.host.log == Lines{"root: start u"});

  EngineBench never;
  never.options.settle = std::chrono::milliseconds(1);
  never.host.idle = {"u"};
  CHECK(never.apply(R"({"resources": [{"type": "unit", "name": "u"}]})") ==
        Lines{"unit[u] not_converged: after the change, running is false, expected true"});
  CHECK(never.host.log == Lines{"root: start u"});
}

TEST_CASE("An interruption ends the wait for what settles") {
  EngineBench bench;
  bench.options.settle = std::chrono::hours(1);
  bench.host.idle = {"u"};
  bench.host.performing = [&](const std::string&) { bench.cancellation.cancel(); };
  CHECK(bench.apply(R"({"resources": [{"type": "unit", "name": "u"}]})") ==
        Lines{"unit[u] failed: interrupted"});
}

TEST_CASE("A program that undoes an earlier resource is found at the end of the play, and named") {
  EngineBench bench;
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1"},
    {"type": "link", "path": "/b", "target": "1"},
    {"type": "program", "id": "p", "argv": ["set", "/a", "2"]},
    {"type": "link", "path": "/c", "target": "1"}]})") ==
        Lines{"link[a] changed", "link[/b] changed", "program[p] changed", "link[/c] changed",
              "link[a] not_converged: no longer as desired after program[p]: target is 2, expected 1"});
  CHECK(bench.result.count(Outcome::changed) == 3);
  CHECK(bench.result.count(Outcome::not_converged) == 1);
}

TEST_CASE("What was right before a program undid it is found too") {
  EngineBench bench;
  bench.host.world.f.file("/a", "1");
  CHECK(bench
            .apply(R"({"vars": {"x": "1"}, "resources": [
    {"type": "file", "for_each": ["/a"], "path": "{{item}}", "content": "{{vars.x}}"},
    {"type": "program", "argv": ["set", "/a", "2"]}]})")
            .back() ==
        "file[/a][/a] not_converged: no longer as desired after program[set, /a, 2]: content is , expected 1");
}

TEST_CASE("Two resources that undo each other are found by their claims, without a program") {
  EngineBench bench;
  // Each owns its own path; the host makes them the same one, as a hard link would.
  bench.host.performing = [&](const std::string& line) {
    if (line == "root: link /a/x -> 2") bench.host.world.f.link("/a", "2");
  };
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a/x", "target": "1"},
    {"type": "link", "path": "/a", "target": "1"}]})") == Lines{"link[/a/x] changed", "link[/a] changed"});
  bench.host.world.f.entries.erase("/a");
  bench.host.performing = [&](const std::string& line) {
    if (line == "root: link /a -> 1") bench.host.world.f.entries.erase("/a/x");
  };
  CHECK(bench
            .apply(R"({"resources": [
    {"type": "link", "path": "/a/x", "target": "1"},
    {"type": "link", "path": "/a", "target": "1"}]})")
            .back() ==
        "link[/a/x] not_converged: no longer as desired after link[/a]: target is absent, expected 1");
}

TEST_CASE("Entries that overwrite each other in one file are found") {
  EngineBench bench;
  CHECK(
      bench.apply(R"({"resources": [{"type": "entry", "folder": "/a"}, {"type": "entry", "folder": "/b"}]})") ==
      Lines{"entry[/a] changed", "entry[/b] changed",
            "entry[/a] not_converged: no longer as desired after entry[/b]: entry is absent, expected /a"});
}

TEST_CASE("A plan finds resources that undo each other as well") {
  EngineBench bench;
  CHECK(bench.plan(R"({"resources": [{"type": "entry", "folder": "/a"}, {"type": "entry", "folder": "/b"}]})")
            .back() ==
        "entry[/a] not_converged: no longer as desired after entry[/b]: entry is absent, expected /a");
}

TEST_CASE("A resource that a program failed in the middle of undoing is looked at again") {
  EngineBench bench;
  bench.host.performing = [&](const std::string& line) {
    if (!line.starts_with("ubuntu: run bad")) return;
    bench.host.world.f.link("/a", "broken");
    throw Error("bad ended with status 1");
  };
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1"}, {"type": "program", "argv": ["bad"]}]})") ==
        Lines{"link[/a] changed", "program[bad] failed: bad ended with status 1",
              "link[/a] not_converged: no longer as desired after program[bad]: target is broken, expected 1"});
}
