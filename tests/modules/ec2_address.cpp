#include "support/catch.hpp"
#include "support/cloud_cases.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

FakeMachine machine(std::optional<std::string> instance_of_address) {
  FakeMachine m;
  CloudInstance box;
  box.id = "i-1";
  m.cl.named["box"].alive = {box};
  if (instance_of_address)
    m.cl.addresses["ip"] = {"198.51.100.4", "eipalloc-1", "", *instance_of_address, our_tag("ec2_address/ip")};
  return m;
}
std::string done(const FakeMachine& m, const std::string& parameters) {
  return test::done("ec2_address", parameters, m);
}

constexpr const char* for_box = R"({"name": "ip", "instance": "box"})";
constexpr const char* for_none = R"({"name": "ip", "instance": ""})";
constexpr const char* alone = R"({"name": "ip"})";
constexpr const char* absent = R"({"name": "ip", "state": "absent"})";

}  // namespace

TEST_CASE("ec2_address: what is done about each address that may be there") {
  struct Row {
    std::optional<std::string> has;
    std::string box, none, left, absent;
  };
  const std::string gone = "exists true -> false, address 198.51.100.4 -> null | release ip";
  const std::vector<Row> rows{{{},
                               "exists false -> true, instance null -> i-1 | address ip for \"i-1\"",
                               "exists false -> true | address ip for \"\"",
                               "exists false -> true | address ip for \"\"",
                               ""},
                              {"", "instance null -> i-1 | address ip for \"i-1\"", "", "", gone},
                              {"i-1", "", "instance i-1 -> null | address ip for \"\"", "", gone},
                              {"i-9", "instance i-9 -> i-1 | address ip for \"i-1\"",
                               "instance i-9 -> null | address ip for \"\"", "", gone}};
  for (const Row& row : rows) {
    const FakeMachine m = machine(row.has);
    CHECK(done(m, for_box) == row.box);
    CHECK(done(m, for_none) == row.none);
    CHECK(done(m, alone) == row.left);
    CHECK(done(m, absent) == row.absent);
  }
}

TEST_CASE("ec2_address: an instance that is not one") {
  CHECK(done(machine(""), R"({"name": "ip", "instance": "none"})") ==
        "error: there is no instance `none`: give it an ec2_instance resource before this one");
  FakeMachine m = machine("");
  m.cl.named["box"].alive.push_back(m.cl.named["box"].alive.front());
  CHECK(done(m, for_box) == "error: several instances are called `box`: which of them is to have the address?");
}

TEST_CASE("ec2_address: outputs, claims, removal and mistakes") {
  CHECK(outputs("ec2_address", alone, machine("i-1")) == R"({"name":"ip","address":"198.51.100.4"})");
  CHECK(outputs("ec2_address", absent, machine({})) == R"({"name":"ip","address":null})");
  CHECK(claims("ec2_address", for_box, machine("")) ==
        "owns cloud ec2_address ip, reads cloud ec2_instance box");
  CHECK(claims("ec2_address", absent) == "owns cloud ec2_address ip");
  const Tried t = try_module("ec2_address", for_box, machine(""));
  CHECK(to_json(find_module("ec2_address")->removal(t.desired)) ==
        R"({"type":"ec2_address","name":"ip","state":"absent"})");
  CHECK(mistake("ec2_address", R"({"name": "a*b"})") == "test.json:1:10 `a*b` cannot be the name");
}
