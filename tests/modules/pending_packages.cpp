// What a plan says of files, units and accounts that a package may bring that is not installed yet.
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

// A bare host whose index has docker.io.
struct BareHost : EngineBench {
  BareHost() {
    modules = all_modules();
    host.world.p.candidates["docker.io"] = "20.10";
    for (const char* folder : {"/etc", "/srv", "/home", "/home/ubuntu"}) host.world.f.folder(folder);
    host.world.f.entries["/home/ubuntu"].status.owner = "ubuntu";
    host.world.a.users["ubuntu"].home = "/home/ubuntu";
    host.world.a.users["ubuntu"].group = "ubuntu";
    host.world.a.groups["root"] = {"root", 0, {}};
    host.world.a.groups["ubuntu"] = {"ubuntu", 1000, {}};
  }
};

const std::string package = R"({"resources": [{"type": "package", "names": ["docker.io"]}, )";

}  // namespace

TEST_CASE("A group, a folder and a unit that a pending package may bring are waited for, never a failure") {
  BareHost bare;
  CHECK(bare.plan(package + R"(
    {"type": "user", "name": "ubuntu", "groups": ["docker"]},
    {"type": "file", "path": "/etc/docker/daemon.json", "content": "{}", "notify": ["docker"]},
    {"type": "directory", "path": "/etc/docker/certs.d"},
    {"id": "docker", "type": "service", "name": "docker", "state": "running", "enabled": true}]})") ==
        Lines{"package[docker.io] would_change", "user[ubuntu] unknown: waits for package[docker.io]",
              "file[/etc/docker/daemon.json] unknown: waits for package[docker.io]",
              "directory[/etc/docker/certs.d] unknown: waits for package[docker.io]",
              "service[docker] would_change unless package[docker.io]"});
}

TEST_CASE("What no package brings fails in the plan beside a pending one as it does without") {
  BareHost bare;
  CHECK(bare.plan(package + R"(
    {"type": "file", "path": "/srv/none/x", "content": "x"},
    {"type": "directory", "path": "/home/none/x"}]})") ==
        Lines{"package[docker.io] would_change",
              "file[/srv/none/x] failed: /srv/none does not exist, so /srv/none/x cannot be made: give it a "
              "directory "
              "resource before this one",
              "directory[/home/none/x] failed: /home/none does not exist, so /home/none/x cannot be made: give "
              "it a "
              "directory resource before this one, or set `parents`"});
}

TEST_CASE("A masked unit is wrong whatever package is pending") {
  BareHost bare;
  bare.host.world.s.units["docker.service"] = {"docker.service", "masked", "inactive", "dead",
                                               "masked",         false,    "0"};
  CHECK(bare.plan(package + R"({"type": "service", "name": "docker", "state": "running"}]})")[1] ==
        "service[docker] failed: docker.service is masked; `systemctl unmask docker.service` makes it usable "
        "again");
}

TEST_CASE("Without a pending package what is absent is a failure") {
  BareHost bare;
  bare.host.world.p.present["docker.io"] = {"docker.io", "amd64", "20.10", PackageState::installed};
  CHECK(bare.plan(package + R"({"type": "user", "name": "ubuntu", "groups": ["docker"]}]})") ==
        Lines{"package[docker.io] ok", "user[ubuntu] failed: group `docker` does not exist"});
}

TEST_CASE("Later resources see what the archive of a pending package contains") {
  BareHost bare;
  const auto packaged = [](const char* path, FileType type, std::string target = "") {
    PackagedPath p{path, {}, std::move(target)};
    p.status.type = type;
    p.status.mode = type == FileType::directory ? 0755 : 0644;
    p.status.owner = p.status.group = "root";
    return p;
  };
  bare.host.world.p.archives["docker.io"] = {packaged("/etc", FileType::directory),
                                             packaged("/etc/docker", FileType::directory),
                                             packaged("/etc/docker/key.json", FileType::regular),
                                             packaged("/etc/docker/other.json", FileType::regular),
                                             packaged("/etc/docker/link", FileType::symlink, "key.json")};
  CHECK(bare.plan(package + R"(
    {"type": "file", "path": "/etc/docker/daemon.json", "content": "{}"},
    {"type": "directory", "path": "/etc/docker/certs.d"},
    {"type": "file", "path": "/etc/docker/key.json", "mode": "0600"},
    {"type": "file", "path": "/etc/docker/other.json", "content": "mine"}]})") ==
        Lines{"package[docker.io] would_change",
              "file[/etc/docker/daemon.json] would_change unless package[docker.io]",
              "directory[/etc/docker/certs.d] would_change unless package[docker.io]",
              "file[/etc/docker/key.json] would_change",
              "file[/etc/docker/other.json] unknown: waits for package[docker.io]"});
}
