#include "engine/attempt.hpp"

#include "support/catch.hpp"
#include "support/engine_parts.hpp"

using namespace mlops;
using namespace mlops::attempted;
using test::EngineParts;
using test::Lines;

TEST_CASE("an attempt at what is as desired is Ok and does nothing") {
  EngineParts parts(R"([{"type": "link", "path": "/a", "target": "x"}])");
  parts.host.world.f.link("/a", "x");
  CHECK(std::holds_alternative<Ok>(parts.attempt_at(0).result));
  CHECK(parts.host.log.empty());
}

TEST_CASE("an attempt that changes something says what, and keeps the outputs") {
  EngineParts parts(R"([{"type": "link", "id": "a", "path": "/a", "target": "x"}])");
  const Attempted done = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Changed>(done.result));
  CHECK(std::get<Changed>(done.result).changes.at(0).property == "target");
  CHECK(done.instance.label == "link[a]");
  CHECK(done.instance.identity == Identity{"root"});
  CHECK(parts.host.log == Lines{"root: link /a -> x"});
  CHECK(parts.values.scope().lookup({"resources", "a", "target"}) == Value("x"));
}

TEST_CASE("an attempt whose `when` does not match is Skipped with the reason") {
  EngineParts parts(R"([{"type": "link", "path": "/a", "target": "x", "when": {"vars.x": 2}}])");
  const Attempted done = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Skipped>(done.result));
  CHECK(std::get<Skipped>(done.result).reason == "vars.x is 1, expected 2");
  CHECK(!std::get<Skipped>(done.result).cause);
}

TEST_CASE("an attempt at what depends on a failed resource is Skipped with the cause") {
  EngineParts parts(R"([{"type": "link", "path": "/a/b", "target": "x"}])");
  parts.unreliable.failed.add({"link[/a]", "", "package[first]", {{Claim::Kind::path, "/a"}}, 0});
  const Attempted done = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Skipped>(done.result));
  CHECK(std::get<Skipped>(done.result).cause == "package[first]");
}

TEST_CASE("an attempt at what needs something unknown is Unknown and names it") {
  EngineParts parts(R"([{"type": "link", "path": "/a/b", "target": "x"}])");
  parts.unreliable.unknown.add({"program[p]", "", "program[p]", {{Claim::Kind::path, "/a"}}, 0});
  const Attempted done = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Unknown>(done.result));
  CHECK(std::get<Unknown>(done.result).waits_for == Lines{"program[p]"});
}

TEST_CASE("an attempt whose action throws is Failed with what it was to change, and may be repeated") {
  EngineParts parts(R"([{"type": "link", "path": "/a", "target": "x"}])");
  parts.host.failing["/a"] = "no";
  const Attempted done = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Failed>(done.result));
  const auto& failed = std::get<Failed>(done.result);
  CHECK(failed.outcome == Outcome::failed);
  CHECK(failed.reason == "no");
  CHECK(failed.changes.size() == 1);
  CHECK(is_worth_retrying(done.result));
}

TEST_CASE("an attempt whose action has no effect is Failed as not converged") {
  EngineParts parts(R"([{"type": "link", "path": "/a", "target": "x"}])");
  parts.host.idle.insert("/a");
  const Attempted done = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Failed>(done.result));
  CHECK(std::get<Failed>(done.result).outcome == Outcome::not_converged);
  CHECK(is_worth_retrying(done.result));
}

TEST_CASE("a mistake in the playbook is Failed with its place, and not repeated") {
  EngineParts parts(R"([{"type": "link", "path": "/a", "target": "{{facts.memory}}"}])");
  const Attempted done = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Failed>(done.result));
  CHECK(std::get<Failed>(done.result).mistake);
  CHECK(!is_worth_retrying(done.result));
}

TEST_CASE("without the right to act, an attempt fails, stays pending, and dependents continue") {
  EngineParts parts(R"([{"type": "link", "path": "/a", "target": "x"}])");
  parts.host.forbidden.insert("root");
  const Attempted done = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Failed>(done.result));
  const auto& failed = std::get<Failed>(done.result);
  CHECK(failed.reason == "nobody may act as root");
  CHECK(failed.pending);
  CHECK(failed.dependents_go_on);
  CHECK(!is_worth_retrying(done.result));
}

TEST_CASE("one write waits for adjacent ones, and what reads it has it performed first") {
  EngineParts parts(R"([{"type": "file", "path": "/a", "content": "1"},
    {"type": "link", "path": "/b", "target": "x"}])");
  Attempted first = parts.attempt_at(0);
  REQUIRE(std::holds_alternative<Waiting>(first.result));
  CHECK(parts.host.log.empty());
  parts.batch.add(std::move(first.instance), std::get<Waiting>(std::move(first.result)));
  CHECK(std::holds_alternative<Changed>(parts.attempt_at(1).result));
  CHECK(parts.host.log == Lines{"root: write /a", "root: link /b -> x"});
  CHECK(parts.concluded == Lines{"file[/a] changed"});
}
