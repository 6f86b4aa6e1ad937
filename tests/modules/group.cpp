#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

FakeMachine machine() {
  FakeMachine m;
  m.a.groups["docker"] = {"docker", 998, {"ubuntu"}};
  return m;
}

Diff diff(const std::string& json, const FakeMachine& m) { return try_module("group", json, m).diff; }

std::string failure(const std::string& json, const FakeMachine& m) {
  try {
    diff(json, m);
  } catch (const Error& error) {
    return error.message();
  } catch (const std::runtime_error& mistakes) {
    return mistakes.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("group: a missing one is created, with what it is to have") {
  const Diff d = diff(R"({"name": "metrics", "gid": 850, "system": true})", machine());
  const auto* create = action<CreateGroup>(d, 0);
  REQUIRE(create);
  CHECK(d.actions.size() == 1);
  CHECK(create->name == "metrics");
  CHECK(create->gid == 850u);
  CHECK(create->system);
  REQUIRE(d.changes.size() == 2);
  CHECK(d.changes[0].property == "exists");
  CHECK(d.changes[1].property == "gid");
  CHECK(d.changes[1].after == Value(850));
}

TEST_CASE("group: one that is there is left alone, whatever its number") {
  CHECK(diff(R"({"name": "docker"})", machine()).empty());
  CHECK(diff(R"({"name": "docker", "gid": 998})", machine()).empty());
}

TEST_CASE("group: another number is changed") {
  const Diff d = diff(R"({"name": "docker", "gid": 500})", machine());
  const auto* change = action<ChangeGroup>(d, 0);
  REQUIRE(change);
  CHECK(change->gid == 500);
  REQUIRE(d.changes.size() == 1);
  CHECK(d.changes[0].before == Value(998));
  CHECK(d.changes[0].after == Value(500));
}

TEST_CASE("group: a number that another group has is an error") {
  CHECK(failure(R"({"name": "metrics", "gid": 998})", machine()) == "gid 998 belongs to group `docker`");
}

TEST_CASE("group: absent removes one that is there and nothing else") {
  CHECK(diff(R"({"name": "games", "state": "absent"})", machine()).empty());
  auto m = machine();
  m.a.groups["docker"].members.clear();
  const Diff d = diff(R"({"name": "docker", "state": "absent"})", m);
  REQUIRE(action<RemoveGroup>(d, 0));
  CHECK(action<RemoveGroup>(d, 0)->name == "docker");
  CHECK(d.changes.size() == 1);
  // Who is in it leaves it.
  m.a.groups["docker"].members = {"ada", "bob"};
  const Diff left = diff(R"({"name": "docker", "state": "absent"})", m);
  CHECK(left.changes.at(1).property == "members");
  CHECK(left.changes.at(1).before.to_text() == R"(["ada","bob"])");
}

TEST_CASE("group: names that groupadd would refuse are mistakes") {
  for (const char* name : {"", "-x", "a:b", "a b", "123"})
    CHECK(failure(R"({"name": ")" + std::string(name) + "\"}", machine()).find("is no group name") !=
          std::string::npos);
}

TEST_CASE("group: its outputs are its name and its number") {
  const auto tried = try_module("group", R"({"name": "docker"})", machine());
  const Value v = find_module("group")->outputs(tried.desired, tried.current).values;
  CHECK(to_json(v) == R"({"name":"docker","gid":998})");
}
