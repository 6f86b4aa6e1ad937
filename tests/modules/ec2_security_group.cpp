#include "support/catch.hpp"
#include "support/cloud_cases.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

constexpr const char* ssh_from_here = R"({"name": "web", "rules": [{"port": 22, "from": "here"}]})";
const CloudRule here{"tcp", 22, 22, "203.0.113.7/32", "", "mlops-agent ada-s-x1", "sgr-1"};
const CloudRule moved{"tcp", 22, 22, "198.51.100.4/32", "", "mlops-agent ada-s-x1", "sgr-2"};
const CloudRule other{"tcp", 22, 22, "192.0.2.1/32", "", "mlops-agent berta", "sgr-3"};
const CloudRule office{"tcp", 8000, 8010, "192.0.2.0/24", "", "", "sgr-4"};

FakeMachine machine(std::optional<std::vector<CloudRule>> rules = {}, CloudTags tags = our_tag("x")) {
  FakeMachine m;
  m.f.file("/proc/sys/kernel/hostname", "ada's x1\n");
  m.f.entries["/proc/sys/kernel/hostname"].content = "ada's-x1\n";
  if (rules) m.cl.groups["web"] = {"sg-1", "web", "vpc-0d", "Made by mlops-agent", std::move(tags), *rules};
  m.cl.groups["workers"] = {"sg-2", "workers", "vpc-0d", "", {}, {}};
  return m;
}
std::string done(const FakeMachine& m, const std::string& parameters = ssh_from_here) {
  return test::done("ec2_security_group", parameters, m);
}
std::string with_rules(const std::string& rules, const std::string& more = "") {
  return R"({"name": "web", "rules": [)" + rules + "]" + more + "}";
}

}  // namespace

TEST_CASE("ec2_security_group: what is done about each group that may be there") {
  const char* absent = R"({"name": "web", "state": "absent"})";
  CHECK(done(machine()) ==
        "exists false -> true, rule null -> tcp 22 from 203.0.113.7/32 | make group :web \"Made by "
        "mlops-agent\"; "
        "rules +[tcp 22-22 203.0.113.7/32 (mlops-agent ada-s-x1)] -[]");
  CHECK(done(machine(), R"({"name": "web", "vpc": "vpc-1", "description": "Of Ada"})") ==
        "exists false -> true | make group vpc-1:web \"Of Ada\"");
  CHECK(done(machine({{here}})) == "");
  CHECK(done(machine({{here, office}}), R"({"name": "web"})") == "");
  CHECK(done(machine({{here}}), absent) == "exists true -> false | delete group :web");
  CHECK(done(machine(), absent) == "");
}

TEST_CASE("ec2_security_group: a group of somebody else is taken over only where that is said") {
  const std::string foreign =
      "error: the account has a security group `web` (sg-1) that was not made by this program: with `adopt` "
      "set to "
      "true it is taken over as it is, and then changed";
  CHECK(done(machine({{}}, {})) == foreign);
  CHECK(done(machine({{}}, {}), R"({"name": "web", "state": "absent"})") == foreign);
  CHECK(done(machine({{office}}, {}), R"({"name": "web", "adopt": true, "rules": []})") ==
        "rule tcp 8000-8010 from 192.0.2.0/24 -> null | rules +[] -[tcp 8000-8010 192.0.2.0/24]");
  CHECK(done(machine({{}}, {}), R"({"name": "web", "adopt": true, "state": "absent"})") ==
        "exists true -> false | delete group :web");
}

TEST_CASE("ec2_security_group: exact removes other rules, additive leaves them") {
  const std::string additive = with_rules(R"({"port": 22, "from": "here"})", R"(, "exact": false)");
  CHECK(done(machine({{here, other, office}})) ==
        "rule tcp 22 from 192.0.2.1/32 -> null, rule tcp 8000-8010 from 192.0.2.0/24 -> null | rules +[] -[tcp "
        "22-22 192.0.2.1/32 (mlops-agent berta), tcp 8000-8010 192.0.2.0/24]");
  CHECK(done(machine({{here, other, office}}), additive) == "");
  CHECK(
      done(machine({{other, office}}), additive) ==
      "rule null -> tcp 22 from 203.0.113.7/32 | rules +[tcp 22-22 203.0.113.7/32 (mlops-agent ada-s-x1)] -[]");
}

TEST_CASE("ec2_security_group: the rule for here follows this machine, in one action, and no other's does") {
  const std::string additive = with_rules(R"({"port": 22, "from": "here"})", R"(, "exact": false)");
  const std::string follows =
      "rule tcp 22 from 198.51.100.4/32 -> tcp 22 from 203.0.113.7/32 | rules +[tcp 22-22 203.0.113.7/32 "
      "(mlops-agent "
      "ada-s-x1)] -[tcp 22-22 198.51.100.4/32 (mlops-agent ada-s-x1)]";
  CHECK(done(machine({{moved}})) == follows);
  CHECK(done(machine({{moved, other}}), additive) == follows);
  // Both are there: an earlier run was interrupted.
  CHECK(done(machine({{here, moved}}), additive) ==
        "rule tcp 22 from 198.51.100.4/32 -> null | rules +[] -[tcp 22-22 198.51.100.4/32 (mlops-agent "
        "ada-s-x1)]");
  FakeMachine v6 = machine({{moved}});
  v6.cl.own = "2001:DB8::0:1";
  CHECK(done(v6).starts_with("rule tcp 22 from 198.51.100.4/32 -> tcp 22 from 2001:db8::1/128 | "));
  FakeMachine odd = machine({{}});
  odd.cl.own = "<html>";
  CHECK(done(odd) == "error: this machine's address is not known: `<html>` is none");
}

TEST_CASE("ec2_security_group: every form of a rule") {
  struct Row {
    const char *rule, *text;
  };
  const auto row =
      GENERATE(Row{R"({"port": "8000-8010", "from": "192.0.2.77/24"})", "tcp 8000-8010 192.0.2.0/24"},
               Row{R"({"port": "all", "protocol": "udp", "from": "::/0"})", "udp 0-65535 ::/0"},
               Row{R"({"protocol": "all", "from": "10.0.0.0/8"})", "-1 -1--1 10.0.0.0/8"},
               Row{R"({"protocol": "icmp", "from": "10.0.0.0/8"})", "icmp -1--1 10.0.0.0/8"},
               Row{R"({"protocol": "icmp", "from": "fd00::/8"})", "icmpv6 -1--1 fd00::/8"},
               Row{R"({"port": "22", "from": "group:workers"})", "tcp 22-22 sg-2"},
               Row{R"({"port": 22, "from": "group:web"})", "tcp 22-22 sg-1"});
  CAPTURE(row.rule);
  const std::string text = done(machine({{}}), with_rules(row.rule));
  CHECK(text.ends_with(fmt::format("| rules +[{}] -[]", row.text)));
}

TEST_CASE(
    "ec2_security_group: a rule about the group itself, before it is made, and about one that is not there") {
  CHECK(done(machine(), with_rules(R"({"port": 22, "from": "group:web"})"))
            .ends_with("rules +[tcp 22-22 web] -[]"));
  CHECK(done(machine({{}}), with_rules(R"({"port": 22, "from": "group:none"})")) ==
        "error: there is no security group `none` in the VPC");
}

TEST_CASE("ec2_security_group: a rule that is given twice is one, and a description stays for ever") {
  CHECK(
      done(machine({{}}), with_rules(R"({"port": 1, "from": "10.1.0.0/8"}, {"port": 1, "from": "10.0.0.0/8"})"))
          .ends_with("| rules +[tcp 1-1 10.0.0.0/8] -[]"));
  CHECK(done(machine({{}}), R"({"name": "web", "description": "Made by mlops-agent"})") == "");
  CHECK(done(machine({{}}), R"({"name": "web", "description": "New"})") ==
        "error: the description of sg-1 is \"Made by mlops-agent\", and EC2 cannot change it: leave "
        "`description` "
        "out, or let the group be absent first");
}

TEST_CASE("ec2_security_group: outputs, claims and removal") {
  CHECK(outputs("ec2_security_group", ssh_from_here, machine({{here}})) ==
        R"({"name":"web","id":"sg-1","vpc":"vpc-0d"})");
  CHECK(claims("ec2_security_group", with_rules(R"({"port": 1, "from": "group:workers"})"), machine({{}})) ==
        "owns cloud ec2_security_group web, reads cloud ec2_security_group workers");
  CHECK(claims("ec2_security_group", R"({"name": "web", "vpc": "vpc-1"})") ==
        "edits cloud ec2_security_group web#vpc-1");
  const Tried t = try_module("ec2_security_group", R"({"name": "web", "vpc": "vpc-1"})", FakeMachine());
  CHECK(to_json(find_module("ec2_security_group")->removal(t.desired)) ==
        R"({"type":"ec2_security_group","name":"web","state":"absent","vpc":"vpc-1"})");
}

TEST_CASE("ec2_security_group: mistakes have their place") {
  struct Row {
    const char *parameters, *text;
  };
  const auto row =
      GENERATE(Row{R"({"name": "sg-1"})", "test.json:1:10 `sg-1` cannot be the name of a security group"},
               Row{R"({"name": "default"})", "test.json:1:10 the VPC's own group `default` is left alone"},
               Row{R"({"name": "w", "vpc": "main"})", "test.json:1:22 `main` is no id of a VPC"},
               Row{R"({"name": "w", "rules": [{"from": "here"}]})", "test.json:1:25 a rule needs `port`"},
               Row{R"({"name": "w", "rules": [{"port": 22}]})", "test.json:1:25 a rule needs `from`"},
               Row{R"({"name": "w", "rules": [{"port": 70000, "from": "here"}]})",
                   "test.json:1:34 70000 is neither a port (0 to 65535) nor a range of ports"},
               Row{R"({"name": "w", "rules": [{"port": "9-8", "from": "here"}]})",
                   "test.json:1:34 `9-8` is neither a port (0 to 65535) nor a range of ports"},
               Row{R"({"name": "w", "rules": [{"port": 22, "from": "10.0.0.1"}]})",
                   "test.json:1:46 `10.0.0.1` is no source"},
               Row{R"({"name": "w", "rules": [{"port": 22, "from": "10.0.0.0/33"}]})",
                   "test.json:1:46 `10.0.0.0/33` is no source"},
               Row{R"({"name": "w", "rules": [{"port": 22, "from": "here", "to": 1}]})",
                   "test.json:1:60 a rule has no `to`"},
               Row{R"({"name": "w", "rules": [{"protocol": "sctp", "from": "here"}]})",
                   "test.json:1:38 `sctp` is no protocol"},
               Row{R"({"name": "w", "rules": [{"protocol": "icmp", "port": 8, "from": "here"}]})",
                   "test.json:1:54 only tcp and udp have ports"},
               Row{R"({"name": "w", "rules": [{"port": 1, "from": "group:sg-1"}]})",
                   "test.json:1:24 `sg-1` is no name of a security group"});
  CAPTURE(row.parameters);
  CHECK(mistake("ec2_security_group", row.parameters) == row.text);
}
