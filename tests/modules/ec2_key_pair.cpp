#include "support/catch.hpp"
#include "support/cloud_cases.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

constexpr const char* ours =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea ada";
constexpr const char* theirs =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9pZmCiPNzaWEQw0Zg3vEwB7hXXXxCK7Bn0dQ7yDV9w box";
constexpr const char* file = "/home/ubuntu/.ssh/box.pem";
constexpr const char* present = R"({"name": "box"})";
constexpr const char* absent = R"({"name": "box", "state": "absent"})";

FakeMachine machine(const char* in_file, const char* in_account, std::uint32_t mode = 0400) {
  FakeMachine m;
  m.f.folder("/home/ubuntu");
  m.f.folder("/home/ubuntu/.ssh", 0700);
  if (in_file) {
    m.f.file(file, "private", mode, "ubuntu");
    m.f.file(std::string(file) + ".pub", in_file);
    m.cl.public_keys[file] = in_file;
  }
  if (in_account) m.cl.key_pairs["box"] = {"key-1", "box", in_account, "bbXpuKG6=", {}};
  return m;
}
std::string done(const FakeMachine& m, const std::string& parameters = present) {
  return test::done("ec2_key_pair", parameters, m);
}

constexpr const char* advice =
    "give the resource another name, or let `file` be the private key of that one, or delete it first (state "
    "absent)";

}  // namespace

TEST_CASE("ec2_key_pair: what is done about each file and each key pair of the account") {
  const std::string makes =
      "exists false -> true, private key null -> /home/ubuntu/.ssh/box.pem, key_type null -> ed25519, mode "
      "null -> "
      "0400 | make key /home/ubuntu/.ssh/box.pem ed25519 0 400 \"box\"; import box /home/ubuntu/.ssh/box.pem";
  CHECK(done(machine(nullptr, nullptr)) == makes);
  CHECK(done(machine(nullptr, ours)) ==
        std::string(
            "error: the account has a key pair `box` (fingerprint bbXpuKG6=), and its private half is not "
            "at /home/ubuntu/.ssh/box.pem: ") +
            advice);
  CHECK(done(machine(ours, nullptr)) == "exists false -> true | import box /home/ubuntu/.ssh/box.pem");
  CHECK(done(machine(ours, ours)) == "");
  CHECK(done(machine(ours, theirs)) ==
        std::string(
            "error: the account has another key under the name `box`: EC2 shows the fingerprint bbXpuKG6= "
            "for it, and /home/ubuntu/.ssh/box.pem has "
            "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8: ") +
            advice);
  CHECK(done(machine(nullptr, nullptr), absent) == "");
  CHECK(done(machine(ours, theirs), absent) == "exists true -> false | delete key box");
  CHECK(done(machine(nullptr, ours), absent) == "exists true -> false | delete key box");
}

TEST_CASE("ec2_key_pair: a comment is no part of a key") {
  const std::string renamed = std::string(ours) + " and more\n";
  CHECK(done(machine(ours, renamed.c_str())) == "");
}

TEST_CASE("ec2_key_pair: the mode and a missing public half are mended, and ~/.ssh is made") {
  CHECK(done(machine(ours, ours, 0644)) == "mode 0644 -> 0400 | mode /home/ubuntu/.ssh/box.pem 400");
  CHECK(done(machine(ours, ours, 0600), R"({"name": "box", "mode": "0600"})") == "");
  FakeMachine alone = machine(ours, ours);
  alone.f.entries.erase(std::string(file) + ".pub");
  CHECK(done(alone) == std::string("public half null -> /home/ubuntu/.ssh/box.pem.pub | write "
                                   "/home/ubuntu/.ssh/box.pem.pub 644 ") +
                           ours + "\n");
  FakeMachine bare = machine(nullptr, nullptr);
  bare.f.entries.erase("/home/ubuntu/.ssh");
  CHECK(done(bare).starts_with("exists false -> true, folder null -> /home/ubuntu/.ssh, private key"));
  CHECK(done(bare).find("| folder /home/ubuntu/.ssh 700; make key") != std::string::npos);
  bare.f.entries.erase("/home/ubuntu");
  CHECK(done(bare) ==
        "error: /home/ubuntu does not exist, so /home/ubuntu/.ssh/box.pem cannot be made: give it a directory "
        "resource before this one");
}

TEST_CASE("ec2_key_pair: the type, length, mode and path of a new key") {
  const std::string text =
      done(machine(nullptr, nullptr),
           R"({"name": "b", "file": "~/.ssh/k", "key_type": "rsa", "bits": 2048, "mode": "600"})");
  CHECK(text.ends_with("| make key /home/ubuntu/.ssh/k rsa 2048 600 \"b\"; import b /home/ubuntu/.ssh/k"));
  CHECK(done(machine(nullptr, nullptr), R"({"name": "b", "key_type": "rsa"})").find("rsa 4096") != text.npos);
}

TEST_CASE("ec2_key_pair: what is no key of ours is never taken for one") {
  FakeMachine odd = machine(nullptr, nullptr);
  odd.f.file(std::string(file) + ".pub", theirs);
  CHECK(done(odd) ==
        "error: /home/ubuntu/.ssh/box.pem.pub exists, and /home/ubuntu/.ssh/box.pem does not: it is the public "
        "half "
        "of some other key; move it away or choose another `file`");
  FakeMachine folder = machine(nullptr, nullptr);
  folder.f.folder(file);
  CHECK(done(folder) == "error: /home/ubuntu/.ssh/box.pem is a folder, not a private key");
  FakeMachine text = machine(ours, nullptr);
  text.cl.public_keys.clear();
  CHECK(done(text) == "error: /home/ubuntu/.ssh/box.pem is no private key");
  const char* other_type =
      "ecdsa-sha2-nistp256 "
      "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CL"
      "rbo5"
      "wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";
  CHECK(done(machine(other_type, nullptr)) ==
        "error: EC2 takes only RSA and ED25519 keys, and /home/ubuntu/.ssh/box.pem is of the type "
        "ecdsa-sha2-nistp256: choose another `file`");
}

TEST_CASE("ec2_key_pair: outputs, claims, scope and removal") {
  const FakeMachine m = machine(ours, ours);
  CHECK(outputs("ec2_key_pair", present, m) ==
        std::string(R"({"name":"box","file":"/home/ubuntu/.ssh/box.pem","public_key":")") + ours +
            R"(","fingerprint":"SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8"})");
  CHECK(claims("ec2_key_pair", R"({"name": "my box", "region": "eu-central-1", "profile": "a b"})",
               machine(nullptr, nullptr)) ==
        "owns cloud ec2_key_pair my%20box region=eu-central-1 profile=a%20b, owns path /home/ubuntu/.ssh/my "
        "box.pem");
  CHECK(claims("ec2_key_pair", absent) == "owns cloud ec2_key_pair box");
  const Tried t =
      try_module("ec2_key_pair", R"({"name": "box", "region": "eu-central-1", "profile": "work"})", m);
  CHECK(m.cl.scopes.back() == CloudScope{"work", "eu-central-1"});
  CHECK(find_module("ec2_key_pair")->actor(t.desired).kind == Actor::Kind::person);
  CHECK(to_json(find_module("ec2_key_pair")->removal(t.desired)) ==
        R"({"type":"ec2_key_pair","name":"box","region":"eu-central-1","profile":"work","state":"absent"})");
}

TEST_CASE("ec2_key_pair: mistakes have their place") {
  struct Row {
    const char *parameters, *text;
  };
  const auto row = GENERATE(
      Row{R"({"name": ""})", "test.json:1:10 `` cannot be the name of a key pair"},
      Row{R"({"name": "a/b"})", "test.json:1:10 no file can be named after it"},
      Row{R"({"name": "b", "file": "/k.pub"})", "test.json:1:23 /k.pub cannot be the private key"},
      Row{R"({"name": "b", "bits": 2048})", "test.json:1:23 only RSA keys have `bits`"},
      Row{R"({"name": "b", "key_type": "rsa", "bits": 1024})",
          "test.json:1:42 EC2 takes no RSA key of 1024 bits"},
      Row{R"({"name": "b", "mode": "0644"})", "test.json:1:23 ssh uses no private key with the mode 0644"},
      Row{R"({"name": "b", "region": "eu central"})", "test.json:1:25 `eu central` is no region"},
      Row{R"({"name": "b", "profile": "a]"})", "test.json:1:26 `a]` is no name of a profile"});
  CAPTURE(row.parameters);
  CHECK(mistake("ec2_key_pair", row.parameters) == row.text);
}
