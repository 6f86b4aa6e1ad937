// `retry`: a resource that failed is tried again.
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using test::EngineBench;
using test::Lines;

TEST_CASE("a resource that fails is tried again until it goes well") {
  EngineBench b;
  int failures = 2;
  b.host.performing = [&](const std::string&) {
    if (failures-- > 0) throw Error("not yet");
  };
  CHECK(b.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "x", "retry": {"times": 3, "delay": "1ms"}}]})") ==
        Lines{"link[/a] changed"});
  CHECK(b.host.log.size() == 3);
}

TEST_CASE("it is tried so often and no more, and its last error is reported") {
  EngineBench b;
  int tries = 0;
  b.host.performing = [&](const std::string&) { throw Error("try " + std::to_string(++tries)); };
  CHECK(b.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "x", "retry": {"times": 2}},
    {"type": "link", "path": "/b", "target": "x"}]})") ==
        Lines{"link[/a] failed: try 3", "link[/b] failed: try 4"});
}

TEST_CASE("one that has not converged after acting is tried again too") {
  EngineBench b;
  b.host.idle.insert("/a");
  b.host.performing = [&](const std::string&) {
    if (b.host.log.size() == 2) b.host.idle.clear();
  };
  CHECK(b.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "x", "retry": {"times": 1}}]})") == Lines{"link[/a] changed"});
  CHECK(b.host.log.size() == 2);
}

TEST_CASE("a plan tries nothing again but what it really looks at") {
  EngineBench b;
  const auto lines = b.plan(R"({"resources": [
    {"type": "check", "argv": ["ask"], "retry": {"times": 2}},
    {"type": "link", "path": "/missing/a", "target": "x", "retry": {"times": 1000, "delay": "1h"}}]})");
  CHECK(lines.size() == 2);
  CHECK(b.host.world.c.asked.size() == 3);
}

TEST_CASE("an interruption ends the waiting") {
  EngineBench b;
  b.host.performing = [&](const std::string&) {
    b.cancellation.cancel();
    throw Error("no");
  };
  const auto lines = b.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "x", "retry": {"times": 3, "delay": "1h"}}]})");
  CHECK(lines == Lines{"link[/a] failed: interrupted"});
  CHECK(b.host.log.size() == 1);
  CHECK(b.result.interrupted);
}
