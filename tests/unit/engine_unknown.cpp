// What a plan does not know: after which resources, and what waits for it.
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::test;

TEST_CASE(
    "After a program that may change anything nothing is known, and each names the resource that it waits "
    "for") {
  EngineBench bench;
  CHECK(bench.plan(R"({"resources": [
    {"type": "link", "path": "/x", "target": "1"},
    {"type": "program", "id": "p", "argv": ["go"]},
    {"type": "link", "id": "y", "path": "/y", "target": "1"},
    {"type": "link", "path": "/z", "target": "{{resources.y.target}}"},
    {"type": "link", "path": "/w", "target": "1", "when": {"resources.y.target": "1"}},
    {"type": "link", "for_each": ["{{resources.y.target}}"], "path": "/{{item}}", "target": "1"},
    {"type": "check", "argv": ["ask"]}]})") ==
        Lines{"link[/x] would_change", "program[p] would_change", "link[y] unknown: waits for program[p]",
              "link[/z] unknown: waits for link[y]", "link[/w] unknown: waits for link[y]",
              "link[/{{item}}] unknown: waits for link[y]",
              "check[ask] unknown: waits for link[/x], program[p]"});
  CHECK(bench.host.world.c.asked.empty());
}

TEST_CASE("A program that changes nothing others manage leaves the rest known") {
  EngineBench bench;
  CHECK(bench.plan(R"({"resources": [
    {"type": "program", "argv": ["go"], "bound": true}, {"type": "link", "path": "/y", "target": "1"}]})") ==
        Lines{"program[go] would_change", "link[/y] would_change"});
}

TEST_CASE("A guard does not run while something is pending; what the program may do is not known then") {
  EngineBench bench;
  bench.host.world.f.link("/y", "1");
  const std::string rest = R"({"type": "link", "path": "/y", "target": "1"}]})";
  CHECK(bench.plan(R"({"resources": [{"type": "link", "path": "/x", "target": "1"},
    {"type": "program", "argv": ["go"], "unless": ["ask"]}, )" +
                   rest) == Lines{"link[/x] would_change", "program[go] unknown: waits for link[/x]",
                                  "link[/y] unknown: waits for program[go]"});
  CHECK(bench.plan(R"({"resources": [{"type": "link", "path": "/x", "target": "1"},
    {"type": "program", "argv": ["go"], "unless": ["ask"], "bound": true}, )" +
                   rest) ==
        Lines{"link[/x] would_change", "program[go] unknown: waits for link[/x]", "link[/y] ok"});
  CHECK(bench.host.world.c.asked.empty());
  bench.host.world.f.link("/x", "1");
  bench.host.world.c.answers[{"ask"}] = {.status = 0};
  CHECK(bench.plan(R"({"resources": [{"type": "link", "path": "/x", "target": "1"},
    {"type": "program", "argv": ["go"], "unless": ["ask"]}, )" +
                   rest) == Lines{"link[/x] ok", "program[go] ok", "link[/y] ok"});
}

TEST_CASE("A guard with `after` waits only for that, for what its resource claims, and for whoever runs it") {
  EngineBench bench;
  bench.host.world.c.answers[{"ask"}] = {.status = 0};
  bench.host.world.f.link("/named", "1");
  const auto plan = [&](const std::string& before) {
    return bench
        .plan(R"({"resources": [{"type": "link", "id": "named", "path": "/named", "target": "1"}, )" + before +
              R"(, {"type": "program", "argv": ["go"], "unless": ["ask"], "after": "named"}]})")
        .back();
  };
  const std::string other = R"({"type": "link", "path": "/other", "target": "1"})";
  CHECK(plan(other) == "program[go] ok");
  CHECK(bench.host.world.c.asked.size() == 1);
  // What it comes after is pending.
  bench.host.world.f.link("/named", "2");
  CHECK(plan(other) == "program[go] unknown: waits for link[named]");
  bench.host.world.f.link("/named", "1");
  // A program that may change anything is none of it, either.
  CHECK(plan(R"({"type": "program", "argv": ["first"]})") == "program[go] ok");
  // So is what was not known itself, unless it is named.
  CHECK(plan(other + R"(, {"type": "program", "id": "p", "argv": ["first"], "unless": ["ask"]})") ==
        "program[go] ok");
  CHECK(bench
            .plan(R"({"resources": [)" + other +
                  R"(, {"type": "program", "id": "p", "argv": ["first"], "unless": ["ask"]},
                      {"type": "program", "argv": ["go"], "unless": ["ask"], "after": "p"}]})")
            .back() == "program[go] unknown: waits for program[p]");
}

TEST_CASE("What lies in something unknown is unknown, as long as it may be there or not") {
  EngineBench bench;
  bench.host.world.f.link("/n", "d");
  CHECK(bench.plan(R"({"vars": {"x": 1}, "resources": [
    {"type": "link", "id": "n", "path": "/n", "target": "d"},
    {"type": "program", "id": "p", "argv": ["go"], "bound": true},
    {"type": "link", "id": "far", "path": "/far", "target": "1", "as": "later"},
    {"type": "link", "path": "/far/off", "target": "1"}]})") ==
        Lines{"link[n] ok", "program[p] would_change", "link[far] failed: there is no user later",
              "link[/far/off] skipped: link[far] failed"});
}

TEST_CASE("What only the real run will draw is unknown in a plan, and what else the resource gives is known") {
  EngineBench bench;
  const std::string playbook = R"({"resources": [
    {"type": "key", "id": "a", "path": "/a"},
    {"type": "link", "path": "/b", "target": "{{resources.a.path}}"},
    {"type": "link", "path": "/c", "target": "{{resources.a.token}}"}]})";
  CHECK(bench.plan(playbook) ==
        Lines{"key[a] would_change", "link[/b] would_change", "link[/c] unknown: waits for key[a]"});
  CHECK(bench.apply(playbook) == Lines{"key[a] changed", "link[/b] changed", "link[/c] changed"});
  CHECK(bench.plan(playbook) == Lines{"key[a] ok", "link[/b] ok", "link[/c] ok"});
}

TEST_CASE("The user is not shown where it depends on values that are not known, unless `as` says it") {
  EngineBench bench;
  const std::string from = R"({"type": "key", "id": "a", "path": "/a"}, )";
  const auto who = [&](const std::string& more) {
    bench.plan(R"({"resources": [)" + from +
               R"({"type": "link", "path": "/c", "target": "{{resources.a.token}}")" + more + "}]}");
    return std::get<ResourceFinished>(bench.events.back()).as;
  };
  CHECK(who("").empty());
  CHECK(who(R"(, "as": "root")") == "root");
}

TEST_CASE("A play whose condition is not known makes its resources unknown") {
  EngineBench bench;
  CHECK(bench.plan(R"({"plays": [
    {"resources": [{"type": "program", "argv": ["go"]}, {"type": "link", "id": "y", "path": "/y", "target": "1"}]},
    {"when": {"resources.y.target": "1"}, "resources": [{"type": "link", "path": "/z", "target": "1"}]}]})") ==
        Lines{"program[go] would_change", "link[y] unknown: waits for program[go]",
              "link[/z] unknown: waits for link[y]"});
}

TEST_CASE("Whoever acts for something unknown is among those who have to act") {
  EngineBench bench;
  bench.plan(R"({"resources": [
    {"type": "program", "argv": ["go"]}, {"type": "link", "path": "/y", "target": "1"}]})");
  REQUIRE(bench.result.pending.size() == 2);
  CHECK(bench.result.pending[0].identity == Identity{"ubuntu"});
  CHECK(bench.result.pending[1].identity == Identity{"root"});
}
