#include "engine/recovery.hpp"

#include "support/catch.hpp"
#include "support/engine_parts.hpp"

using namespace mlops;
using test::EngineParts;

namespace {

constexpr const char* one_link = R"([{"type": "link", "path": "/a", "target": "x"}])";

InterruptedStep interrupted_step() {
  InterruptedStep step;
  step.name = {"run", 7};
  step.playbook_key = "mine";
  step.resource = "link[/a]";
  step.type = "link";
  step.identity = "root";
  step.claims = {{Claim::Kind::path, "/a"}};
  step.began = 100;
  return step;
}

// The link after looking for what earlier runs left of it.
Instance found(const std::vector<InterruptedStep>& steps) {
  EngineParts parts(one_link, {.steps = steps});
  Instance instance = parts.instance(0);
  Recovery(parts.context).find_interrupted(instance);
  return instance;
}

}  // namespace

TEST_CASE("an interrupted step counts for its resource in its playbook") {
  InterruptedStep step = interrupted_step();
  step.claims.clear();
  const Instance instance = found({step});
  CHECK(instance.interrupted == std::vector<StepName>{{"run", 7}});
  CHECK(instance.note == "interrupted in an earlier run");
  CHECK(!instance.untrusted);
}

TEST_CASE("it counts for a resource of another playbook that has its type and claims, and for no other") {
  InterruptedStep step = interrupted_step();
  step.playbook_key = "other";
  CHECK(found({step}).interrupted.size() == 1);
  step.claims = {{Claim::Kind::path, "/b"}};
  CHECK(found({step}).interrupted.empty());
  step = interrupted_step();
  step.type = "file";
  CHECK(found({step}).interrupted.empty());
}

TEST_CASE("a program that was interrupted, or failed, is not trusted") {
  InterruptedStep step = interrupted_step();
  step.program = step.failed = true;
  const Instance instance = found({step});
  CHECK(instance.untrusted);
  CHECK(instance.note == "failed in an earlier run");
}

TEST_CASE("of several interrupted steps the earliest counts, and any restart") {
  InterruptedStep first = interrupted_step(), second = interrupted_step();
  second.name.sequence = 8;
  second.began = 50;
  second.restarted = true;
  const Instance instance = found({first, second});
  CHECK(instance.interrupted.size() == 2);
  CHECK(instance.interruption.began == 50);
  CHECK(instance.interruption.restarted);
}

TEST_CASE("a step known only from another user's database counts only for that user") {
  InterruptedStep step = interrupted_step();
  step.told_by = "ubuntu";
  CHECK(found({step}).interrupted.empty());
  step.told_by = "root";
  CHECK(found({step}).interrupted.size() == 1);
}

TEST_CASE("a type that clears up nothing needs no action first") {
  InterruptedStep step = interrupted_step();
  step.program = true;
  EngineParts parts(one_link, {.steps = {step}});
  Instance instance = parts.instance(0);
  const Recovery recovery(parts.context);
  recovery.find_interrupted(instance);
  CHECK(recovery.actions(instance).empty());
}
