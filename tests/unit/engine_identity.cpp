// The user that a resource runs as, decided by the current state.
#include "engine/identity.hpp"

#include <pwd.h>

#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

struct World {
  FakeHost host;
  IdentityRules rules{host, {"ubuntu", "/home/ubuntu", "/bin/bash", 1000, 1000}, {"root"}};
  World() {
    auto& files = host.world.f;
    files.folder("/home");
    files.folder("/home/ubuntu", 0755, "ubuntu");
    files.folder("/home/ubuntu/theirs", 0755, "root");
    files.folder("/tmp", 01777);
    files.folder("/open", 0777);
    files.folder("/etc");
    files.link("/home/ubuntu/to-etc", "/etc", "ubuntu");
    files.link("/srv", "/home/ubuntu");
  }
  std::string path(const std::string& p, const std::string& owner = "", const std::string& as = "") {
    return rules.decide({Actor::Kind::path, p, owner}, as).user;
  }
};

}  // namespace

TEST_CASE("`as` decides over everything") {
  World w;
  CHECK(w.rules.decide({Actor::Kind::root, "", ""}, "ubuntu").user == "ubuntu");
  CHECK(w.path("/home/ubuntu/x", "", "root") == "root");
}

TEST_CASE("System-wide objects are root's, commands the person's") {
  World w;
  CHECK(w.rules.decide({Actor::Kind::root, "", ""}, "").user == "root");
  CHECK(w.rules.decide({Actor::Kind::person, "", ""}, "").user == "ubuntu");
}

TEST_CASE("A path belongs to the owner of the deepest folder above it") {
  World w;
  CHECK(w.path("/home/ubuntu/x") == "ubuntu");
  CHECK(w.path("/home/ubuntu/not/there/yet/x") == "ubuntu");
  CHECK(w.path("/home/ubuntu") == "root");
  CHECK(w.path("/home/ubuntu/theirs/x") == "root");
  CHECK(w.path("/etc/x") == "root");
  CHECK(w.path("/none/x") == "root");
  CHECK(w.path("/x") == "root");
}

TEST_CASE("In a sticky folder for all the person acts, in an unsafe one root") {
  World w;
  CHECK(w.path("/tmp/x") == "ubuntu");
  CHECK(w.path("/tmp/a/b") == "ubuntu");
  CHECK(w.path("/open/x") == "root");
}

TEST_CASE("Programs work in another's folder as its owner, and as root only where nobody else may write") {
  World w;
  auto& files = w.host.world.f;
  files.folder("/home/mallory", 0755, "mallory");
  files.folder("/srv2", 0775);
  files.folder("/home/mallory/roots", 0755);
  const auto tree = [&](const std::string& path, const std::string& as = "") {
    const Actor actor{Actor::Kind::tree, path, ""};
    const Identity who = w.rules.decide(actor, as);
    w.rules.require_trusted(actor, who);
    return who.user;
  };
  const auto refused = [&](const std::string& path, const std::string& as = "") -> std::string {
    try {
      return tree(path, as);
    } catch (const Error& e) {
      return e.kind() == ErrorKind::unsafe_path ? e.what() : "another kind";
    }
  };
  CHECK(tree("/home/ubuntu/x") == "ubuntu");
  CHECK(tree("/home/mallory/x") == "mallory");
  CHECK(tree("/home/mallory/not/there/x") == "mallory");
  CHECK(tree("/etc/x") == "root");
  CHECK(
      refused("/home/mallory/x", "root") ==
      "root runs no programs in a folder that others may write to: /home/mallory belongs to mallory; name the "
      "user to run as with `as`");
  CHECK_THAT(refused("/home/mallory/roots/x"), Catch::Contains("/home/mallory belongs to mallory"));
  CHECK_THAT(refused("/home/ubuntu/theirs/x"), Catch::Contains("/home/ubuntu belongs to ubuntu"));
  CHECK_THAT(refused("/open/x"), Catch::Contains("/open is writable by everyone (mode 0777)"));
  CHECK_THAT(refused("/tmp/x", "root"), Catch::Contains("/tmp is writable by everyone (mode 1777)"));
  CHECK_THAT(refused("/srv2/x"), Catch::Contains("/srv2 is writable by the group root (mode 0775)"));
}

TEST_CASE("Links are followed to the folder that counts") {
  World w;
  CHECK(w.path("/home/ubuntu/to-etc/x") == "root");
  CHECK(w.path("/srv/x") == "ubuntu");
}

TEST_CASE("Another desired owner than the person needs root") {
  World w;
  CHECK(w.path("/home/ubuntu/x", "ubuntu") == "ubuntu");
  CHECK(w.path("/home/ubuntu/x", "root") == "root");
}

TEST_CASE("An existing path of another user is changed by root") {
  World w;
  w.host.world.f.file("/tmp/planted", "", 0644, "mallory");
  w.host.world.f.file("/tmp/mine", "", 0644, "ubuntu");
  const auto change = [&](const std::string& path, const std::string& as = "") {
    const Actor actor{Actor::Kind::path, path, ""};
    return w.rules.decide_to_change(actor, as, w.rules.decide(actor, as)).user;
  };
  CHECK(change("/tmp/planted") == "root");
  CHECK(change("/tmp/mine") == "ubuntu");
  CHECK(change("/tmp/new") == "ubuntu");
  CHECK(change("/tmp/planted", "ubuntu") == "ubuntu");
}

TEST_CASE("Folders are inspected again when they may have changed") {
  World w;
  CHECK(w.path("/etc/x") == "root");
  w.host.world.f.folder("/etc", 0755, "ubuntu");
  CHECK(w.path("/etc/x") == "root");
  w.rules.forget();
  CHECK(w.path("/etc/x") == "ubuntu");
}

TEST_CASE("Under sudo paths in the person's home are the person's, the rest is root's") {
  const passwd* daemon = ::getpwnam("daemon");
  if (::geteuid() != 0 || !daemon) return;
  AgentFolder folder;
  ::chmod(folder.root().c_str(), 0755);
  std::filesystem::create_directory(folder.tree() + "/home");
  REQUIRE(::chown((folder.tree() + "/home").c_str(), daemon->pw_uid, daemon->pw_gid) == 0);
  std::filesystem::create_directory(folder.tree() + "/etc");
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "mine", "path": "@/home/x", "content": "x"},
    {"type": "file", "id": "system", "path": "@/etc/x", "content": "x"},
    {"type": "file", "id": "given", "path": "@/home/y", "content": "x", "owner": "root"},
    {"type": "command", "id": "who", "shell": "id -un > @/home/who", "creates": "@/home/who"}]})");
  const auto run = [&](const std::string& uid) {
    ::setenv("SUDO_USER", "daemon", 1);
    ::setenv("SUDO_UID", uid.c_str(), 1);
    const Ended ended = folder.run({"plan", "--json", playbook});
    std::map<std::string, std::string> who;
    for (const Json& line : ended.lines())
      if (line.at("event") == "resource") who[line.at("id")] = line.at("as");
    ::unsetenv("SUDO_USER");
    ::unsetenv("SUDO_UID");
    return who;
  };
  const std::string uid = std::to_string(daemon->pw_uid);
  CHECK(run(uid) == std::map<std::string, std::string>{
                        {"mine", "daemon"}, {"system", "root"}, {"given", "root"}, {"who", "daemon"}});
  // A SUDO_USER that is not SUDO_UID's is not believed.
  CHECK(run("12345")["who"] == "root");

  // The account has no home that it may write to; that does not keep it from acting.
  ::setenv("SUDO_USER", "daemon", 1);
  ::setenv("SUDO_UID", uid.c_str(), 1);
  const Ended ended = folder.run({"apply", "--json", playbook});
  ::unsetenv("SUDO_USER");
  ::unsetenv("SUDO_UID");
  std::filesystem::remove_all("/run/mlops-agent/" + uid);  // the folder of its lock
  std::error_code in_use;
  std::filesystem::remove("/run/mlops-agent", in_use);
  CAPTURE(ended.out, ended.err);
  CHECK(ended.status == 0);
  const auto owner = [&](const std::string& name) {
    struct stat s {};
    ::stat((folder.tree() + name).c_str(), &s);
    return s.st_uid;
  };
  CHECK(owner("/home/x") == daemon->pw_uid);
  CHECK(owner("/etc/x") == 0);
  CHECK(owner("/home/y") == 0);
  CHECK(AgentFolder::read(folder.tree() + "/home/who") == "daemon\n");
}
