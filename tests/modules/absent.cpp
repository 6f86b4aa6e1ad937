// state absent with the other parameters of a type: they are checked for their form, and then ignored.
#include <fmt/format.h>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

std::string shown(const Tried& t, const Module& module) {
  const Actor actor = module.actor(t.desired);
  std::string text = fmt::format("{} {} {} ", static_cast<int>(actor.kind), actor.path, actor.owner);
  for (const Claim& c : module.claims(t.desired))
    text += fmt::format("{}:{}:{}:{} ", static_cast<int>(c.access), c.key, c.subkey, c.desired);
  for (const Change& c : t.diff.changes) text += c.property + " ";
  return text + std::to_string(t.diff.actions.size());
}

std::string mistake(const std::string& type, const std::string& json) {
  try {
    try_module(type, json, FakeMachine());
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

FakeMachine machine() {
  FakeMachine m;
  m.f.folder("/x");
  m.f.file("/x/f", "text");
  m.f.folder("/x/d");
  m.f.folder("/home");
  m.f.folder("/home/ubuntu");
  m.a.groups["games"] = {"games", 60, {}};
  m.a.users["ann"] = {"ann", 1001, "ann", "", "/home/ann", "/bin/sh", {}};
  m.cl.key_pairs["box"] = {"key-1", "box", "", "", {}};
  m.cl.groups["web"] = {"sg-1", "web", "vpc-0d", "", {{cloud_tag, "x"}}, {}};
  m.cl.named["box"].alive = {CloudInstance{.id = "i-1", .name = "box"}};
  m.cl.addresses["ip"] = {"198.51.100.4", "eipalloc-1", "", "", {}};
  m.i.images["a:1"] = {.id = "sha256:1", .tags = {"a:1"}, .digests = {}, .platform = "", .assumed = false};
  m.p.present["jq"] = {"jq", "amd64", "1.6", PackageState::installed};
  return m;
}

}  // namespace

TEST_CASE("state absent is taken with any other parameters of the type, and does the same as without them") {
  struct Row {
    const char *type, *bare, *more;
  };
  const auto row = GENERATE(
      Row{"file", R"("path": "/x/f")", R"("content": "x", "mode": "0600", "owner": "ann", "group": "games")"},
      Row{"directory", R"("path": "/x/d")",
          R"("mode": "0700", "owner": "ann", "group": "games", "parents": true)"},
      Row{"group", R"("name": "games")", R"("gid": 61, "system": true)"},
      Row{"user", R"("name": "ann")",
          R"("uid": 7, "group": "nobody-has-it", "groups": ["games", "none"], "shell": "/bin/zsh", "home": "/h",
             "comment": "Ann", "system": true, "create_home": true)"},
      Row{"package", R"("names": ["jq"])", R"("refresh": "1d")"},
      Row{"ssh_host", R"("name": "box")",
          R"("hostname": "h", "user": "u", "port": 2222, "identity_file": "~/k", "strict_host_key_checking": "no",
             "proxy_jump": "gate", "options": {"Compression": "yes"})"},
      Row{"port_forward", R"("name": "t")",
          R"("target": 1, "via": "box", "listen": 8080, "at_login": true, "proven_by": "host", "config": "/c")"},
      Row{"ec2_key_pair", R"("name": "box")",
          R"("file": "~/k", "key_type": "rsa", "bits": 2048, "mode": "0600")"},
      Row{"ec2_security_group", R"("name": "web")",
          R"("description": "x", "exact": false, "rules": [{"port": 22, "from": "group:none"}])"},
      Row{"ec2_instance", R"("name": "box")",
          R"("image": "ubuntu-24.04", "instance_type": "t3.small", "disk": 30, "key_pair": "none", "instance_tags": {"a": "b"},
             "security_groups": "none", "subnet": "subnet-1", "recreate": true, "max_per_hour": 1, "hop_limit": 2,
             "user_data": "x", "disk_type": "gp3", "user": "ubuntu")"},
      Row{"ec2_address", R"("name": "ip")", R"("instance": "none")"},
      Row{"docker_image", R"("name": "a:1")",
          R"("file": "/none.tar", "url": "https://x/y", "image_id": "x", "platform": "?", "sha256": "x", "digest": "y")"},
      Row{"known_host", R"("name": "box")", R"("keys": ["no key"])"},
      Row{"idle_shutdown", R"("load": 30)", R"("idle": "20m", "warn": "1m", "jupyter": [8888])"},
      Row{"vscode_extension", R"("names": "a.b")", R"("editor": "code")"});
  CAPTURE(row.type);
  const FakeMachine m = machine();
  const Module& module = *find_module(row.type);
  const std::string bare = std::string("{\"state\": \"absent\", ") + row.bare;
  const Tried with = try_module(row.type, bare + ", " + row.more + "}", m),
              without = try_module(row.type, bare + "}", m);
  CHECK(shown(with, module) == shown(without, module));
}

TEST_CASE("a version of what is to be absent is ignored") {
  const Diff d = try_module("package", R"({"names": "jq=1.7", "state": "absent"})", machine()).diff;
  REQUIRE(action<RemovePackages>(d, 0));
  CHECK(action<RemovePackages>(d, 0)->names == std::vector<std::string>{"jq"});
  CHECK(mistake("vscode_extension", R"({"names": "a.b@1.0.0", "state": "absent"})") == "");
}

TEST_CASE("what is ignored beside state absent is checked for its form all the same") {
  CHECK(mistake("file", R"({"path": "/x", "state": "absent", "mode": 644})").find("`mode` must be") !=
        std::string::npos);
  CHECK(mistake("user", R"({"name": "a", "state": "absent", "uid": "x"})").find("`uid` must be") !=
        std::string::npos);
  CHECK(mistake("ssh_host", R"({"name": "a", "state": "absent", "port": 0})").find("no port") !=
        std::string::npos);
}

TEST_CASE("where a state is given, what is only for the absent is taken too") {
  CHECK(mistake("directory", R"({"path": "/tmp", "state": "present", "recursive": true})") == "");
  CHECK(mistake("directory", R"({"path": "/tmp", "recursive": true})").find("is for state absent") !=
        std::string::npos);
  CHECK(mistake("user", R"({"name": "root", "remove_home": true})").find("needs state absent") !=
        std::string::npos);
}
