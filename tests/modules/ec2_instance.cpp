#include "support/catch.hpp"
#include "support/cloud_cases.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

CloudInstance box(CloudPower power = CloudPower::running) {
  CloudInstance is{.id = "i-1", .name = "box", .image = "ami-1", .type = "t3.small", .zone = "eu-central-1b"};
  is.subnet = "subnet-1", is.vpc = "vpc-0d", is.key_pair = "anna", is.power = power;
  is.private_address = "172.31.0.9";
  if (power == CloudPower::running) is.public_address = "198.51.100.4";
  is.groups = {"sg-1"};
  is.disk = "vol-1", is.disk_type = "gp3", is.disk_gib = 30;
  is.requires_tokens = true;
  return is;
}

FakeMachine with(std::vector<CloudInstance> alive) {
  FakeMachine m;
  m.cl.named["box"].alive = std::move(alive);
  for (const auto& [name, id] : {std::pair{"web", "sg-1"}, {"db", "sg-2"}})
    m.cl.groups[name] = {id, name, "vpc-0d", "", {}, {}};
  m.cl.key_pairs["anna"] = {"key-1", "anna", "", "", {}};
  return m;
}
FakeMachine with(CloudPower power) { return with(std::vector{box(power)}); }

// No instance is there, and one could be made.
FakeMachine none(std::optional<double> hourly = 0.0228, std::optional<double> monthly = 2.4) {
  FakeMachine m = with(std::vector<CloudInstance>());
  m.cl.offered = CloudOffer{"ami-1", "ubuntu 24.04", 8, {"t3.small"}, "vpc-0d", {"subnet-1"}, hourly, monthly};
  return m;
}
FakeMachine gone(const std::string& ended_here = "", const std::string& launched_here = "i-0") {
  FakeMachine m = none();
  CloudInstance was = box(CloudPower::terminated);
  was.id = "i-0", was.reason = "User initiated (2026-08-01 12:00:00 GMT)";
  m.cl.named["box"].gone = was;
  m.cl.named["box"].launched_here = launched_here;
  m.cl.named["box"].ended_here = ended_here;
  return m;
}

std::string parameters(const std::string& more = "") {
  return R"({"name": "box", "image": "ubuntu-24.04", "instance_type": "t3.small")" + more + "}";
}
const std::string stopped = R"(, "state": "stopped")";
const std::string absent = R"({"name": "box", "state": "absent"})";

std::string done(const FakeMachine& m, const std::string& p = parameters()) {
  return test::done("ec2_instance", p, m);
}

const std::string price = "(price null -> $0.0228 per hour running, $2.40 per month stopped)";
const std::string makes =
    "exists false -> true, instance_type null -> t3.small, image null -> ubuntu-24.04, host_key "
    "null -> by user data; replaced at the first connection, state null -> running";

}  // namespace

TEST_CASE("ec2_instance: every desired state from every power that one may have") {
  struct Row {
    CloudPower power;
    std::string running, stopped, absent;
  };
  const std::string ends = "exists true -> false, disk 30 GiB, lost with it (vol-1) -> null | terminate i-1";
  const std::vector<Row> rows{{CloudPower::pending, "state starting -> running | start i-1",
                               "state starting -> stopped | stop i-1", ends},
                              {CloudPower::running, "", "state running -> stopped | stop i-1", ends},
                              {CloudPower::stopping, "state stopping -> running | start i-1",
                               "state stopping -> stopped | stop i-1", ends},
                              {CloudPower::stopped, "state stopped -> running | start i-1", "", ends}};
  for (const Row& row : rows) {
    CHECK(done(with(row.power)) == row.running);
    CHECK(done(with(row.power), parameters(stopped)) == row.stopped);
    CHECK(done(with(row.power), absent) == row.absent);
  }
}

TEST_CASE("ec2_instance: one that is not there is launched, with its price") {
  CHECK(done(none()) == makes + ", " + price + " | launch box");
  CHECK(done(none(), absent) == "");
  CHECK(
      done(none(), parameters(stopped)).ends_with("state null -> stopped, " + price + " | launch box; stop "));
  CHECK(done(none({}, {})) ==
        makes + ", (price null -> not known: these credentials may not ask for it) | launch box");
  CHECK(done(none(0.02, {})) == makes + ", (price null -> $0.0200 per hour running) | launch box");
}

TEST_CASE("ec2_instance: what it is launched from is what was asked for") {
  const FakeMachine m = none();
  const Tried t = try_module(
      "ec2_instance", R"({"name": "box", "image": "debian-12", "instance_type": ["t3.large", "t3.small"],
    "disk": 40, "disk_type": "gp2", "key_pair": "anna", "security_groups": ["web", "db"], "subnet": "subnet-7",
    "user_data": "#!/bin/sh", "hop_limit": 2, "instance_tags": {"course": "mlops"}, "region": "eu-central-1"})",
      [&] {
        FakeMachine other = m;
        for (const char* name : {"web", "db"})
          other.cl.groups[std::string("vpc-7 ") + name] = {"sg-7", name, "vpc-7", "", {}, {}};
        other.cl.offered->vpc = "vpc-7";
        return other;
      }());
  const InstanceSpec spec{.image = "debian-12",
                          .types = {"t3.large", "t3.small"},
                          .disk_gib = 40,
                          .disk_type = "gp2",
                          .key_pair = "anna",
                          .groups = {"web", "db"},
                          .subnet = "subnet-7",
                          .user_data = "#!/bin/sh",
                          .hop_limit = 2,
                          .tags = {{"course", "mlops"}}};
  const auto* launch = action<LaunchInstance>(t.diff, 0);
  REQUIRE(launch);
  CHECK(*launch == LaunchInstance{{"", "eu-central-1"}, "box", spec});
}

TEST_CASE("ec2_instance: what cannot be launched is an error") {
  FakeMachine nowhere = none();
  nowhere.cl.offered->types.clear();
  CHECK(done(nowhere) ==
        "error: no zone with a usable subnet has t3.small: choose another type, or a `subnet` in another zone");
  CHECK(done(none(), parameters(R"(, "disk": 4)")) ==
        "error: the image ubuntu 24.04 needs a disk of 8 GiB, more than the 4 of `disk`");
  CHECK(done(none(), parameters(R"(, "key_pair": "berta")")) ==
        "error: there is no key pair `berta`: give it an ec2_key_pair resource before this one");
  CHECK(
      done(none(), parameters(R"(, "security_groups": "none")")) ==
      "error: there is no security group `none` in the instance's VPC: give it an ec2_security_group resource "
      "before this one");
}

TEST_CASE("ec2_instance: a price above the limit, or not known, is refused") {
  CHECK(done(none(), parameters(R"(, "max_per_hour": 0.0228)")).ends_with("| launch box"));
  CHECK(done(none(), parameters(R"(, "max_per_hour": "0.02")")) ==
        "error: it would cost $0.0228 per hour, more than the $0.0200 of `max_per_hour`");
  CHECK(done(none({}, 2.0), parameters(R"(, "max_per_hour": 1)")) ==
        "error: the price is not known, as these credentials may not ask for it (pricing:GetProducts): leave "
        "`max_per_hour` out, or get that right");
  // Also before it gets another type; not while it stays as it is.
  FakeMachine other = with(CloudPower::running);
  CHECK(done(other, parameters(R"(, "max_per_hour": 0.001)")) == "");
  other.cl.named["box"].alive[0].type = "t3.micro";
  other.cl.offered = none().cl.offered;
  CHECK(done(other, parameters(R"(, "max_per_hour": 0.001)")) ==
        "error: it would cost $0.0228 per hour, more than the $0.0010 of `max_per_hour`");
}

TEST_CASE("ec2_instance: one that somebody else terminated is made anew only where that is agreed to") {
  const std::string since = "i-0, gone since 2026-08-01 12:00:00 GMT";
  const auto anew = [&](const std::string& was) {
    return makes + ", instance " + was + " -> a new one, its disk is lost, " + price + " | launch box";
  };
  const std::string loses = ", and it was not terminated from here: a new one, its disk is lost";
  const std::string recreate = R"(, "recreate": true)";
  CHECK(done(gone()) == anew(since) + " | loses: " + since + loses);
  CHECK(done(gone("", "")) == anew(since) + " | loses: " + since + loses);
  CHECK(done(gone(), parameters(recreate)) == anew(since));
  FakeMachine forgotten = gone();
  forgotten.cl.named["box"].gone.reset();
  CHECK(done(forgotten) == anew("i-0, gone") + " | loses: i-0, gone" + loses);
  // This machine itself ended it.
  CHECK(done(gone("i-0", "")) == makes + ", " + price + " | launch box");
  CHECK(done(gone(), absent) == "");
}

TEST_CASE("ec2_instance: an interrupted launch is resumed, whatever is seen of it") {
  FakeMachine m = none();
  m.cl.offered.reset();
  m.cl.named["box"].launching = true;
  CHECK(done(m) == makes + " | launch box");
  CHECK(done(m, parameters(stopped)).ends_with("state null -> stopped | launch box; stop "));
  CHECK(done(m, absent) == "exists true -> false | terminate ");
  for (const CloudPower power : {CloudPower::pending, CloudPower::running}) {
    m.cl.named["box"].alive = {box(power)};
    CHECK(done(m) == "launch interrupted -> finished | launch box");
    CHECK(done(m, parameters(stopped)) ==
          fmt::format("launch interrupted -> finished, state {} -> stopped | launch box; stop i-1",
                      power == CloudPower::pending ? "starting" : "running"));
  }
}

TEST_CASE("ec2_instance: several of one name are an error that names them") {
  CloudInstance second = box(CloudPower::stopped);
  second.id = "i-2";
  const std::string text =
      "error: several instances are called `box`: i-1 (running, t3.small), i-2 (stopped, t3.small); terminate "
      "those "
      "that are not wanted (aws ec2 terminate-instances --instance-ids, with some of i-1 i-2), or give them "
      "another "
      "tag mlops-agent:id";
  CHECK(done(with({box(), second})) == text);
  CHECK(done(with({box(), second}), absent) == text);
}

TEST_CASE("ec2_instance: another type needs a stop, and any of a list will do") {
  const auto typed = [](const char* types, const std::string& more = "") {
    return fmt::format(R"({{"name": "box", "image": "ubuntu-24.04", "instance_type": {}{}}})", types, more);
  };
  const char* large = R"(["t3.large", "m5.large"])";
  CHECK(done(with(CloudPower::running), typed(R"(["t3.large", "t3.small"])")) == "");
  CHECK(done(with(CloudPower::running), typed(large)) ==
        "instance_type t3.small -> t3.large, (state running -> stopped for the other type, and started again) "
        "| stop "
        "i-1; modify i-1 type t3.large; start i-1");
  CHECK(done(with(CloudPower::stopping), typed(large)) ==
        "instance_type t3.small -> t3.large, state stopping -> running | stop i-1; modify i-1 type t3.large; "
        "start "
        "i-1");
  CHECK(done(with(CloudPower::stopped), typed(large)) ==
        "instance_type t3.small -> t3.large, state stopped -> running | modify i-1 type t3.large; start i-1");
  CHECK(done(with(CloudPower::stopped), typed(large, stopped)) ==
        "instance_type t3.small -> t3.large | modify i-1 type t3.large");
  CHECK(done(with(CloudPower::running), typed(large, stopped)) ==
        "instance_type t3.small -> t3.large, state running -> stopped | stop i-1; modify i-1 type t3.large");
}

TEST_CASE("ec2_instance: disk, groups, tags and the metadata service are changed while it runs") {
  const FakeMachine m = with(CloudPower::running);
  CHECK(done(m, parameters(R"(, "disk": 30, "disk_type": "gp3", "security_groups": "web")")) == "");
  CHECK(done(m, parameters(R"(, "disk": 50)")) == "disk 30 GiB -> 50 GiB | modify i-1 disk 50");
  CHECK(done(m, parameters(R"(, "disk_type": "io2")")) == "disk_type gp3 -> io2 | modify i-1 disk_type io2");
  CHECK(done(m, parameters(R"(, "security_groups": ["web", "db"])")) ==
        "security_groups sg-1 -> sg-1, sg-2 | modify i-1 groups sg-1,sg-2");
  CHECK(done(m, parameters(R"(, "instance_tags": {"a": "1"})")) == "tag a null -> 1 | modify i-1 a=1");
  FakeMachine old = with(CloudPower::stopped);
  old.cl.named["box"].alive[0].requires_tokens = false;
  CHECK(done(old, parameters(stopped)) == "metadata service IMDSv1 and 2 -> IMDSv2 only | modify i-1 tokens");
  CHECK(done(m, parameters(R"(, "disk": 20)")) == "error: the disk of i-1 has 30 GiB, and cannot shrink to 20");
}

TEST_CASE("ec2_instance: the key that the console shows is pinned where that of the user data was not taken") {
  FakeMachine m = with(CloudPower::running);
  m.cl.named["box"].alive[0].console_key =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
  CHECK(done(m, parameters()) ==
        "host_key of its user data, which it has not taken -> "
        "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU, as its console shows | modify i-1 host_key "
        "ssh-ed25519 ");
}

TEST_CASE("ec2_instance: a newer image is no drift; what cannot change is an error") {
  const auto imaged = [](const char* image) {
    return fmt::format(R"({{"name": "box", "image": "{}", "instance_type": "t3.small"}})", image);
  };
  const std::string leave = ": leave it, or end the instance first (state absent)";
  const FakeMachine m = with(CloudPower::running);
  CHECK(done(m, imaged("debian-12")) == "");
  CHECK(done(m, imaged("ami-1")) == "");
  CHECK(done(m, imaged("ami-2")) == "error: i-1 has the image ami-1, which cannot become ami-2" + leave);
  CHECK(done(m, parameters(R"(, "key_pair": "berta")")) ==
        "error: i-1 has the key pair anna, which cannot become berta" + leave);
  CHECK(done(m, parameters(R"(, "subnet": "subnet-2")")) ==
        "error: i-1 has the subnet subnet-1, which cannot become subnet-2" + leave);
}

TEST_CASE("ec2_instance: outputs") {
  CHECK(
      outputs("ec2_instance", parameters(), with(CloudPower::running)) ==
      R"({"name":"box","id":"i-1","host_key_alias":"i-1","instance_type":"t3.small","zone":"eu-central-1b",)"
      R"("public_address":"198.51.100.4","private_address":"172.31.0.9","user":"ubuntu","ssh":"ubuntu@198.51.100.4"})");
  CHECK(outputs("ec2_instance", parameters(stopped), with(CloudPower::stopped)) ==
        R"({"name":"box","id":"i-1","host_key_alias":"i-1","instance_type":"t3.small","zone":"eu-central-1b",)"
        R"("public_address":null,"private_address":"172.31.0.9","user":"ubuntu","ssh":null})");
  FakeMachine inside = with(CloudPower::running);
  inside.cl.named["box"].alive[0].public_address = "";
  const auto ssh = [&](const char* image, const char* more = "") {
    const std::string all = outputs(
        "ec2_instance",
        fmt::format(R"({{"name": "box", "image": "{}", "instance_type": "t3.small"{}}})", image, more), inside);
    return all.substr(all.find("\"user\""));
  };
  CHECK(ssh("debian-12") == R"("user":"admin","ssh":"admin@172.31.0.9"})");
  CHECK(ssh("ami-1") == R"("user":null,"ssh":"172.31.0.9"})");
  CHECK(ssh("ami-1", R"(, "user": "fedora")") == R"("user":"fedora","ssh":"fedora@172.31.0.9"})");
}

TEST_CASE("ec2_instance: claims and removal") {
  const FakeMachine m = with(CloudPower::running);
  CHECK(claims("ec2_instance", parameters(R"(, "key_pair": "anna", "security_groups": ["web"])"), m) ==
        "owns cloud ec2_instance box, reads cloud ec2_key_pair anna, reads cloud ec2_security_group web");
  const Tried t = try_module("ec2_instance", parameters(R"(, "region": "eu-central-1")"), m);
  CHECK(to_json(find_module("ec2_instance")->removal(t.desired)) ==
        R"({"type":"ec2_instance","name":"box","region":"eu-central-1","state":"absent"})");
  CHECK(to_json(find_module("ec2_instance")->removal(try_module("ec2_instance", absent, m).desired)) ==
        "false");
}

TEST_CASE("ec2_instance: mistakes have their place") {
  struct Row {
    std::string parameters;
    const char* text;
  };
  const auto row = GENERATE(
      Row{R"({"name": "box"})", "test.json:1:1 `image` is missing"},
      Row{R"({"name": "box", "image": "ubuntu-24.04"})", "test.json:1:1 `instance_type` is missing"},
      Row{R"({"name": "a*b", "image": "ubuntu-24.04", "instance_type": "t3.small"})",
          "test.json:1:10 `a*b` cannot be the name"},
      Row{R"({"name": "box", "image": "windows", "instance_type": "t3.small"})",
          "test.json:1:26 `windows` is no image"},
      Row{R"({"name": "box", "image": "ami-x", "instance_type": "t3.small"})",
          "test.json:1:26 `ami-x` is no image"},
      Row{R"({"name": "box", "image": "debian-12", "instance_type": "large"})",
          "test.json:1:56 `large` is no type of instances"},
      Row{parameters(R"(, "disk": 0)"), "test.json:1:79 0 is not within 1 to 65536"},
      Row{parameters(R"(, "hop_limit": 65)"), "test.json:1:84 65 is not within 1 to 64"},
      Row{parameters(R"(, "subnet": "a")"), "test.json:1:81 `a` is no id of a subnet"},
      Row{parameters(R"(, "max_per_hour": 0)"),
          "test.json:1:87 `max_per_hour` must be more than 0 and at most 10000, found the number 0"},
      Row{parameters(R"(, "security_groups": [])"), "test.json:1:90 an instance has at least one group"},
      Row{parameters(R"(, "instance_tags": {"Name": "x"})"), "test.json:1:88 `Name` cannot be set here"},
      Row{parameters(R"(, "instance_tags": {"mlops-agent:id": "x"})"),
          "test.json:1:88 `mlops-agent:id` cannot be set here"});
  CAPTURE(row.parameters);
  CHECK(mistake("ec2_instance", row.parameters) == row.text);
}

TEST_CASE("ec2_instance: user data of more than EC2 takes is a mistake") {
  CHECK(mistake("ec2_instance", parameters(R"(, "user_data": ")" + std::string(16385, 'x') + "\"")) ==
        "test.json:1:84 it has 16385 bytes, more than the 16384 that EC2 takes");
}
