#include "facts/facts.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "facts/groups.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

const Person root_person{"root", "/root", "/bin/bash", 0, 0};

struct Root {
  std::string path;
  Root() {
    char name[] = "/tmp/mlops-facts-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Root() { std::filesystem::remove_all(path); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path + name).parent_path());
    std::ofstream(path + name) << text;
  }
};

std::string json(const Value& v) { return to_json(v); }

}  // namespace

TEST_CASE("os-release is read as a shell would read it") {
  const Root root;
  root.write("/etc/os-release",
             "# comment\nPRETTY_NAME=\"Ubuntu 24.04 \\\"LTS\\\"\"\nID=ubuntu\nID_LIKE=debian\n"
             "VERSION_ID=\"24.04\"\nVERSION_CODENAME='noble'\nHOME_URL=https://x/?a=b\n");
  CHECK(json(facts::os(root.path)) ==
        R"({"id":"ubuntu","version":"24.04","codename":"noble","family":"debian","like":["debian"],)"
        R"("name":"Ubuntu 24.04 \"LTS\""})");
}

TEST_CASE("what os-release leaves out is null, and its second place is looked at") {
  const Root root;
  root.write("/usr/lib/os-release", "ID=debian\n");
  CHECK(json(facts::os(root.path)) ==
        R"({"id":"debian","version":null,"codename":null,"family":"debian","like":[],"name":null})");
  const Root empty;
  CHECK(json(facts::os(empty.path)) ==
        R"({"id":"linux","version":null,"codename":null,"family":"linux","like":[],"name":null})");
}

TEST_CASE("the family is that of the nearest distribution known") {
  const Root root;
  const auto family = [&](const std::string& text) {
    root.write("/etc/os-release", text);
    return facts::os(root.path).find("family")->as_string();
  };
  CHECK(family("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n") == "debian");
  CHECK(family("ID=rocky\nID_LIKE=\"rhel centos fedora\"\n") == "rhel");
  CHECK(family("ID=alpine\n") == "alpine");
  CHECK(family("ID=nixos\n") == "nixos");
}

TEST_CASE("Debian's names of architectures") {
  CHECK(facts::debian_architecture("x86_64", 64) == Value("amd64"));
  CHECK(facts::debian_architecture("aarch64", 64) == Value("arm64"));
  CHECK(facts::debian_architecture("aarch64", 32) == Value("armhf"));
  CHECK(facts::debian_architecture("x86_64", 32) == Value("i386"));
  CHECK(facts::debian_architecture("armv7l", 32) == Value("armhf"));
  CHECK(facts::debian_architecture("ppc64le", 64) == Value("ppc64el"));
  CHECK(facts::debian_architecture("vax", 32).is_null());
}

TEST_CASE("the processor's model is the first one's, or null") {
  const Root root;
  root.write("/proc/cpuinfo",
             "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Fast CPU @ 2.0GHz\n\nmodel name\t: Other\n");
  CHECK(*facts::cpu(root.path).find("model") == Value("Fast CPU @ 2.0GHz"));
  CHECK(facts::cpu(root.path).find("count")->as_integer() == ::sysconf(_SC_NPROCESSORS_ONLN));
  root.write("/proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 1\n");
  CHECK(facts::cpu(root.path).find("model")->is_null());
}

TEST_CASE("the init system is systemd where it booted, else what PID 1 is called, else null") {
  const Root root;
  CHECK(facts::init(root.path).is_null());
  root.write("/proc/1/comm", "tini\n");
  CHECK(facts::init(root.path) == Value("tini"));
  std::filesystem::create_directories(root.path + "/run/systemd/system");
  CHECK(facts::init(root.path) == Value("systemd"));
}

TEST_CASE("containers are recognised by the marks that each leaves") {
  const auto with = [](const std::string& name, const std::string& text) {
    const Root root;
    root.write(name, text);
    return facts::container(root.path);
  };
  const Root none;
  CHECK(facts::container(none.path).is_null());
  CHECK(with("/run/systemd/container", "lxc\n") == Value("lxc"));
  CHECK(with("/proc/1/environ", std::string("A=1\0container=podman\0B=2\0", 25)) == Value("podman"));
  CHECK(with("/run/.containerenv", "") == Value("podman"));
  CHECK(with("/.dockerenv", "") == Value("docker"));
  CHECK(with("/proc/1/cgroup", "0::/kubepods/pod1\n") == Value("kubernetes"));
  CHECK(with("/proc/1/cgroup", "4:memory:/docker/0a1b\n") == Value("docker"));
  CHECK(with("/proc/1/cgroup", "0::/init.scope\n").is_null());
  CHECK(with("/proc/sys/kernel/osrelease", "5.15.0-microsoft-standard-WSL2\n") == Value("wsl"));
}

TEST_CASE("a person's facts come from the database") {
  const Value user = facts::user(root_person);
  CHECK(user.find("name")->as_string() == "root");
  CHECK(user.find("uid")->as_integer() == 0);
  CHECK(user.find("home")->as_string() == "/root");
  CHECK(user.find("shell")->as_string() == "/bin/bash");
  bool in_root = false;
  for (const Value& group : user.find("groups")->as_array()) in_root |= group == Value("root");
  CHECK(in_root);
}

TEST_CASE("facts are looked up by path, and what is not there is absent") {
  const Facts facts(root_person);
  utsname names{};
  ::uname(&names);
  const auto lookup = [&](std::vector<std::string> path) { return facts.lookup(path); };
  CHECK(lookup({"kernel"}) == Value(std::string(names.release)));
  CHECK(lookup({"arch", "machine"}) == Value(std::string(names.machine)));
  CHECK(lookup({"user", "home"}) == Value("/root"));
  CHECK(lookup({"memory", "bytes"})->as_integer() > 1'000'000);
  CHECK(lookup({"os"})->is_object());
  CHECK_FALSE(lookup({"nothing"}));
  CHECK_FALSE(lookup({"os", "nothing"}));
  CHECK_FALSE(lookup({"kernel", "release"}));
  CHECK(lookup({}) == facts.all());
}

TEST_CASE("every fact is documented, and everything documented is a fact of that type") {
  const Facts facts(root_person);
  std::set<std::string> documented;
  for (const FactDoc& doc : Facts::docs()) {
    CAPTURE(doc.path);
    documented.insert(doc.path);
    CHECK_FALSE(doc.source.empty());
    CHECK_FALSE(doc.doc.empty());
    std::vector<std::string> path;
    const auto dot = doc.path.find('.');
    path.push_back(doc.path.substr(0, dot));
    if (dot != std::string::npos) path.push_back(doc.path.substr(dot + 1));
    const auto value = facts.lookup(path);
    REQUIRE(value);
    const bool right = value->is_null() || (doc.type == "text" && value->is_string()) ||
                       (doc.type == "integer" && value->is_integer()) ||
                       (doc.type == "list of text" && value->is_array());
    CHECK(right);
  }
  const Value all = facts.all();
  for (const auto& group : all.as_object()) {
    if (!group.value.is_object()) {
      CHECK(documented.count(group.key) == 1);
      continue;
    }
    for (const auto& fact : group.value.as_object()) CHECK(documented.count(group.key + "." + fact.key) == 1);
  }
}
