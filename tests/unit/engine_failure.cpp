// What a failure means for the rest, and interruptions.
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::test;

TEST_CASE("What depends on a failed resource is skipped with the name of the first cause; the rest continues") {
  EngineBench bench;
  bench.host.failing["/a"] = "cannot make the link /a: Read-only file system";
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1"},
    {"type": "link", "id": "b", "path": "/a/b", "target": "2"},
    {"type": "link", "path": "/c", "target": "{{resources.b.target}}"},
    {"type": "link", "path": "/d", "target": "{{resources.a.target}}"},
    {"type": "link", "path": "/e", "target": "5", "after": "b"},
    {"type": "link", "path": "/f", "target": "6"},
    {"type": "link", "path": "/ab", "target": "7"}]})") ==
        Lines{"link[a] failed: cannot make the link /a: Read-only file system",
              "link[b] skipped: link[a] failed", "link[/c] skipped: link[a] failed",
              "link[/d] skipped: link[a] failed", "link[/e] skipped: link[a] failed", "link[/f] changed",
              "link[/ab] changed"});
}

TEST_CASE(
    "What was to be changed stays pending when it fails, alone or among adjacent ones: the run that acts looks "
    "again") {
  EngineBench bench;
  bench.host.failing["/a"] = "cannot make the link /a: File exists";
  bench.host.failing["/b"] = "no";
  bench.apply(R"({"resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1"}, {"type": "file", "path": "/b", "content": "1"},
    {"type": "file", "path": "/c", "content": "1"}]})");
  REQUIRE(bench.result.pending.size() == 3);
  CHECK(bench.result.pending[0].label == "link[a]");
  CHECK(bench.result.pending[1].label == "file[/b]");
  CHECK(bench.result.pending[1].identity == Identity{"root"});
}

TEST_CASE("Programs are skipped after any earlier failure of their play, unless `after` narrows that") {
  EngineBench bench;
  bench.host.failing["/a"] = "no";
  CHECK(bench.apply(R"({"plays": [{"resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1"},
    {"type": "link", "id": "b", "path": "/b", "target": "1"},
    {"type": "program", "argv": ["one"]},
    {"type": "program", "argv": ["two"], "after": "b"},
    {"type": "program", "argv": ["three"], "after": ["b", "a"]}]},
    {"resources": [{"type": "program", "argv": ["four"]}]}]})") ==
        Lines{"link[a] failed: no", "link[b] changed", "program[one] skipped: link[a] failed",
              "program[two] changed", "program[three] skipped: link[a] failed", "program[four] changed"});
}

TEST_CASE("A verification that fails is a failure, and is no change") {
  EngineBench bench;
  bench.host.world.c.answers[{"ask"}] = {.status = 1};
  CHECK(bench.apply(R"({"resources": [
    {"type": "check", "argv": ["ask"]}, {"type": "program", "argv": ["go"]},
    {"type": "link", "path": "/a", "target": "1"}]})") ==
        Lines{"check[ask] failed: it is not so", "program[go] skipped: check[ask] failed", "link[/a] changed"});
}

TEST_CASE("A play whose condition refers to what failed is skipped with the first cause") {
  EngineBench bench;
  bench.host.failing["/a"] = "no";
  CHECK(bench.apply(R"({"plays": [{"resources": [{"type": "link", "id": "a", "path": "/a", "target": "1"}]},
    {"when": {"resources.a.target": "1"}, "resources": [{"type": "link", "id": "b", "path": "/b", "target": "1"}]},
    {"resources": [{"type": "link", "path": "/c", "target": "{{resources.b.target}}"}]}]})") ==
        Lines{"link[a] failed: no", "link[b] skipped: link[a] failed", "link[/c] skipped: link[a] failed"});
}

TEST_CASE("With fail-fast the run stops at the first failure, also among adjacent writes") {
  EngineBench bench;
  bench.options.fail_fast = true;
  bench.host.failing["/b"] = "no";
  CHECK(bench.apply(R"({"plays": [{"resources": [
    {"type": "file", "path": "/a", "content": "1"},
    {"type": "file", "path": "/b", "content": "1"},
    {"type": "file", "path": "/c", "content": "1"}]}, {"resources": [{"type": "file", "path": "/d", "content": "1"}]}]})") ==
        Lines{"file[/a] changed", "file[/b] failed: no"});
  CHECK(bench.host.log == Lines{"root: write /a", "root: write /b"});
}

TEST_CASE("With fail-fast what did not converge stops the run too") {
  EngineBench bench;
  bench.options.fail_fast = true;
  bench.host.idle = {"/a"};
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1"}, {"type": "link", "path": "/b", "target": "1"}]})") ==
        Lines{"link[/a] not_converged: after the change, target is absent, expected 1"});
}

TEST_CASE("A user who is not there fails the resource that acts as the user") {
  EngineBench bench;
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1", "as": "nobody2"}, {"type": "link", "path": "/b", "target": "1"}]})") ==
        Lines{"link[/a] failed: there is no user nobody2", "link[/b] changed"});
}

TEST_CASE("An interrupted action is reported as such, what follows is not begun, and the run says so") {
  EngineBench bench;
  bench.host.performing = [&](const std::string& line) {
    if (line != "root: link /b -> 1") return;
    bench.cancellation.cancel();
    bench.cancellation.check();
  };
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1"},
    {"type": "link", "path": "/b", "target": "1"},
    {"type": "link", "path": "/c", "target": "1"}]})") ==
        Lines{"link[/a] changed", "link[/b] failed: interrupted"});
  CHECK(bench.result.interrupted);
}

TEST_CASE("An action that ends in spite of the interruption counts, and nothing follows") {
  EngineBench bench;
  bench.host.performing = [&](const std::string&) { bench.cancellation.cancel(); };
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1"},
    {"type": "link", "path": "/b", "target": "1"}]})") == Lines{"link[/a] changed"});
  CHECK(bench.result.interrupted);
}

TEST_CASE("Writes that wait when the run is interrupted are not begun") {
  EngineBench bench;
  bench.cancellation.cancel();
  CHECK(bench.apply(R"({"resources": [{"type": "file", "path": "/a", "content": "1"}]})").empty());
  CHECK(bench.host.log.empty());
  CHECK(bench.result.interrupted);
}
