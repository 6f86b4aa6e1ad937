#include "engine/recheck.hpp"

#include "support/catch.hpp"
#include "support/engine_parts.hpp"

using namespace mlops;
using test::EngineParts;
using test::Lines;

namespace {

ResourceRecord finished(const Instance& i, Outcome outcome = Outcome::changed) {
  return {i, i.label, i.identity, outcome, false, i.real_claims};
}

Lines drifts(EngineParts& parts, std::size_t first = 0) {
  Lines lines;
  parts.recheck.look_again(first, [&](const ResourceRecord& record, Outcome was, const std::string& reason) {
    lines.push_back(record.label + " " + to_text(was) + ": " + reason);
  });
  return lines;
}

constexpr const char* two_at_one_path = R"([{"type": "link", "path": "/a", "target": "x"},
    {"type": "program", "argv": ["later"]}])";

}  // namespace

TEST_CASE("a resource that a later one undid has drifted, and the reason names the later one") {
  EngineParts parts(two_at_one_path);
  parts.host.world.f.link("/a", "x");
  parts.recheck.add(finished(parts.instance(0)));
  const RunCommand command{.command = {.argv = {"later"}}};
  const std::vector<Action> actions{command};
  parts.recheck.note_written(parts.instance(1), actions);
  parts.recheck.add(finished(parts.instance(1)));
  CHECK(drifts(parts).empty());
  parts.host.world.f.link("/a", "other");
  CHECK(drifts(parts) ==
        Lines{"link[/a] changed: no longer as desired after program[later]: target is other, expected x"});
  CHECK(parts.recheck.records()[0].outcome == Outcome::not_converged);
  CHECK(drifts(parts).empty());
}

TEST_CASE("a resource whose claims nothing wrote later is not looked at again") {
  EngineParts parts(two_at_one_path);
  parts.recheck.note_written(parts.instance(0), {});
  parts.recheck.add(finished(parts.instance(0)));
  const std::vector<Action> bounded{RunCommand{.command = {.argv = {"later"}}, .bounded = true}};
  parts.recheck.note_written(parts.instance(1), bounded);
  parts.recheck.add(finished(parts.instance(1)));
  CHECK(drifts(parts).empty());
}

TEST_CASE("a resource that failed, and one before the given place, are not looked at again") {
  EngineParts parts(two_at_one_path);
  parts.recheck.add(finished(parts.instance(0), Outcome::failed));
  parts.recheck.add(finished(parts.instance(0)));
  const std::vector<Action> actions{RunCommand{.command = {.argv = {"later"}}}};
  parts.recheck.note_written(parts.instance(1), actions);
  CHECK(drifts(parts, 2).empty());
  CHECK(drifts(parts).size() == 1);
}

TEST_CASE("a path that a later resource wrote under its real name is looked at again") {
  EngineParts parts(two_at_one_path);
  Instance first = parts.instance(0);
  first.real_claims = {{Claim::Kind::path, "/real/a"}};
  parts.recheck.add(finished(first));
  Instance later = parts.instance(1);
  later.claims = {{Claim::Kind::path, "/real/a"}};
  parts.recheck.note_written(later, {});
  CHECK(drifts(parts).size() == 1);
}
