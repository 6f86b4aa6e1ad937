#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;
using Names = std::vector<std::string>;

namespace {

FakeMachine machine() {
  FakeMachine m;
  m.a.groups = {
      {"ubuntu", {"ubuntu", 1000, {}}}, {"adm", {"adm", 4, {"ubuntu"}}}, {"docker", {"docker", 998, {}}}};
  m.a.users["ubuntu"] = {"ubuntu", 1000, "ubuntu", "Ubuntu", "/home/ubuntu", "/bin/bash", {"adm"}};
  m.f.folder("/home");
  m.f.folder("/home/ubuntu", 0755, "ubuntu");
  m.f.folder("/bin");
  m.f.file("/bin/bash", "");
  m.f.file("/etc/login.defs", "# HOME_MODE 0700\nHOME_MODE 0750\nUMASK\t\t022\nUID_MIN 1000\n");
  m.f.folder("/etc/skel");
  m.f.file("/etc/skel/.bashrc", "# rc\n");
  m.f.folder("/etc/skel/.config", 0700);
  m.f.file("/etc/skel/.config/x", "x", 0600);
  m.f.link("/etc/skel/.link", ".bashrc");
  return m;
}

Diff diff(const std::string& json, const FakeMachine& m = machine()) {
  return try_module("user", json, m).diff;
}

std::string failure(const std::string& json, const FakeMachine& m = machine()) {
  try {
    diff(json, m);
  } catch (const Error& error) {
    return error.message();
  } catch (const std::runtime_error& mistakes) {
    return mistakes.what();
  }
  return "none";
}

const Change* change(const Diff& d, const std::string& property) {
  for (const Change& c : d.changes)
    if (c.property == property) return &c;
  return nullptr;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("user: one that exists and is as desired is left alone") {
  CHECK(diff(R"({"name": "ubuntu"})").empty());
  CHECK(diff(R"({"name": "ubuntu", "uid": 1000, "group": "ubuntu", "groups": ["adm"], "shell": "/bin/bash",
                 "home": "/home/ubuntu", "comment": "Ubuntu"})")
            .empty());
  CHECK(diff(R"({"name": "ubuntu", "only_groups": ["adm"]})").empty());
  CHECK(diff(R"({"name": "ubuntu", "groups": ["ubuntu"]})").empty());
}

TEST_CASE("user: a new person gets a group, a shell and a home with its skeleton") {
  const Diff d = diff(R"({"name": "ada", "comment": "Ada", "groups": ["docker", "adm"]})");
  const auto* create = action<CreateUser>(d, 0);
  REQUIRE(create);
  CHECK(create->name == "ada");
  CHECK(create->group.empty());
  CHECK(create->home == "/home/ada");
  CHECK(create->shell == "/bin/bash");
  CHECK(create->comment == "Ada");
  CHECK(create->groups == Names{"adm", "docker"});
  CHECK_FALSE(create->uid);
  CHECK_FALSE(create->system);
  const std::string at = "/home/.ada.mlops-agent-new";
  REQUIRE(d.actions.size() == 8);
  CHECK(action<CreateDirectory>(d, 1)->path == at);
  CHECK(action<CreateDirectory>(d, 1)->mode == 0700u);
  CHECK(action<WriteFile>(d, 2)->path == at + "/.bashrc");
  CHECK(action<WriteFile>(d, 2)->content == "# rc\n");
  CHECK(action<WriteFile>(d, 2)->owner == "ada");
  CHECK(action<WriteFile>(d, 2)->group == "ada");
  CHECK(action<CreateDirectory>(d, 3)->path == at + "/.config");
  CHECK(action<CreateDirectory>(d, 3)->mode == 0700u);
  CHECK(action<WriteFile>(d, 4)->mode == 0600u);
  CHECK(action<CreateLink>(d, 5)->target == ".bashrc");
  CHECK(action<SetAttributes>(d, 6)->mode == 0750u);
  CHECK(action<SetAttributes>(d, 6)->owner == "ada");
  CHECK(action<RenamePath>(d, 7)->to == "/home/ada");
  CHECK(change(d, "exists")->after == Value(true));
  CHECK(change(d, "home folder")->after == Value("/home/ada"));
  CHECK(to_json(change(d, "groups")->after) == R"(["adm","docker"])");
}

TEST_CASE("user: an account of the system has no shell and no home") {
  const Diff d = diff(R"({"name": "metrics", "system": true, "uid": 850})");
  REQUIRE(d.actions.size() == 1);
  const auto* create = action<CreateUser>(d, 0);
  CHECK(create->system);
  CHECK(create->uid == 850u);
  CHECK(create->home == "/nonexistent");
  CHECK(create->shell == "/usr/sbin/nologin");
}

TEST_CASE("user: a group of the new user's name that is there already becomes its primary one") {
  auto m = machine();
  m.a.groups["ada"] = {"ada", 1500, {}};
  CHECK(action<CreateUser>(diff(R"({"name": "ada"})", m), 0)->group == "ada");
}

TEST_CASE("user: without bash a new person gets sh") {
  auto m = machine();
  m.f.entries.erase("/bin/bash");
  CHECK(action<CreateUser>(diff(R"({"name": "ada"})", m), 0)->shell == "/bin/sh");
}

TEST_CASE("user: each attribute that differs is one change, and one action does them") {
  const Diff d = diff(R"({"name": "ubuntu", "uid": 1234, "group": "adm", "shell": "/bin/zsh", "comment": "U",
                          "home": "/home", "create_home": false})");
  REQUIRE(d.actions.size() == 1);
  const auto* c = action<ChangeUser>(d, 0);
  REQUIRE(c);
  CHECK(c->uid == 1234u);
  CHECK(c->group == "adm");
  CHECK(c->shell == "/bin/zsh");
  CHECK(c->comment == "U");
  CHECK(c->home == "/home");
  CHECK(d.changes.size() == 5);
  CHECK(change(d, "uid")->before == Value(1000));
  CHECK(change(d, "shell")->before == Value("/bin/bash"));
}

TEST_CASE("user: groups are added, others are left alone") {
  const Diff d = diff(R"({"name": "ubuntu", "groups": ["docker"]})");
  REQUIRE(d.actions.size() == 1);
  const auto* m = action<ChangeMembership>(d, 0);
  REQUIRE(m);
  CHECK(m->add == Names{"docker"});
  CHECK(m->remove.empty());
  CHECK(to_json(change(d, "groups")->before) == R"(["adm"])");
  CHECK(to_json(change(d, "groups")->after) == R"(["adm","docker"])");
}

TEST_CASE("user: only_groups also takes out of others") {
  const auto* m = action<ChangeMembership>(diff(R"({"name": "ubuntu", "only_groups": ["docker"]})"), 0);
  CHECK(m);
  const Diff d = diff(R"({"name": "ubuntu", "only_groups": []})");
  REQUIRE(action<ChangeMembership>(d, 0));
  CHECK(action<ChangeMembership>(d, 0)->remove == Names{"adm"});
  CHECK(to_json(change(d, "groups")->after) == "[]");
}

TEST_CASE("user: a missing home of a person is made, one of the system's is not, nor where it is not desired") {
  auto m = machine();
  m.f.entries.erase("/home/ubuntu");
  const Diff d = diff(R"({"name": "ubuntu"})", m);
  REQUIRE(change(d, "home folder"));
  CHECK(action<RenamePath>(d, d.actions.size() - 1)->to == "/home/ubuntu");
  CHECK(diff(R"({"name": "ubuntu", "create_home": false})", m).empty());
  m.a.users["www-data"] = {"www-data", 33, "www-data", "", "/var/www", "/usr/sbin/nologin", {}};
  CHECK(diff(R"({"name": "www-data"})", m).empty());
  CHECK_FALSE(diff(R"({"name": "www-data", "create_home": true})", m).empty());
}

TEST_CASE("user: what an interrupted run left beside the home is removed first, missing parents are made") {
  auto m = machine();
  m.f.folder("/srv");
  m.f.folder("/srv/people/.ada.mlops-agent-new");
  const Diff d = diff(R"({"name": "ada", "home": "/srv/people/ada"})", m);
  REQUIRE(action<CreateDirectory>(d, 1));
  CHECK(action<CreateDirectory>(d, 1)->path == "/srv/people");
  REQUIRE(action<RemovePath>(d, 2));
  CHECK(action<RemovePath>(d, 2)->path == "/srv/people/.ada.mlops-agent-new");
  CHECK(action<RemovePath>(d, 2)->recursive);
}

TEST_CASE("user: without HOME_MODE the home has what the umask leaves") {
  auto m = machine();
  m.f.file("/etc/login.defs", "UMASK 027\n");
  const Diff d = diff(R"({"name": "ada"})", m);
  CHECK(action<SetAttributes>(d, d.actions.size() - 2)->mode == 0750u);
  m.f.entries.erase("/etc/login.defs");
  const Diff plain = diff(R"({"name": "ada"})", m);
  CHECK(action<SetAttributes>(plain, plain.actions.size() - 2)->mode == 0755u);
}

TEST_CASE("user: what useradd will have assigned to an account of the same plan is said to be unknown") {
  FakeMachine m = machine();
  m.f.file("/etc/subuid", "other:100000:65536\n");
  m.f.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  const Diff assumed = diff(R"({"name": "ubuntu", "state": "absent"})", m);
  REQUIRE(change(assumed, "subuids"));
  CHECK(change(assumed, "subuids")->kind == Change::Kind::unknown);
  m.f.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n");
  CHECK_FALSE(change(diff(R"({"name": "ubuntu", "state": "absent"})", m), "subuids"));
}

TEST_CASE("user: absent removes the account, and the home first where that is asked") {
  CHECK(diff(R"({"name": "ada", "state": "absent"})").empty());
  CHECK(diff(R"({"name": "ada", "state": "absent", "remove_home": true})").empty());
  const Diff kept = diff(R"({"name": "ubuntu", "state": "absent"})");
  REQUIRE(kept.actions.size() == 1);
  CHECK(action<RemoveUser>(kept, 0)->name == "ubuntu");
  const Diff gone = diff(R"({"name": "ubuntu", "state": "absent", "remove_home": true})");
  REQUIRE(gone.actions.size() == 2);
  CHECK(action<RemovePath>(gone, 0)->path == "/home/ubuntu");
  CHECK(action<RemovePath>(gone, 0)->recursive);
  CHECK(action<RemoveUser>(gone, 1));
}

TEST_CASE("user: what goes along with an account, and what a new one gets, is in the plan") {
  auto m = machine();
  m.f.file("/etc/subuid", "ubuntus:1:2\nubuntu:100000:65536\nubuntu:400000:10\n");
  m.f.file("/etc/subgid", "ubuntu:100000:65536\n");
  const Diff gone = diff(R"({"name": "ubuntu", "state": "absent"})", m);
  CHECK(change(gone, "group")->before == Value("ubuntu"));
  CHECK(change(gone, "groups")->before.to_text() == R"(["adm"])");
  CHECK(change(gone, "subuids")->before.to_text() == R"(["100000:65536","400000:10"])");
  CHECK(change(gone, "subgids")->before.to_text() == R"(["100000:65536"])");
  const Diff kept = diff(R"({"name": "ubuntu", "state": "absent", "keep_group": true})", m);
  CHECK_FALSE(change(kept, "group"));
  CHECK(action<RemoveUser>(kept, 0)->keep_group);
  // Others are in the group.
  m.a.groups["ubuntu"].members = {"ada", "ubuntu"};
  CHECK_FALSE(change(diff(R"({"name": "ubuntu", "state": "absent"})", m), "group"));

  CHECK(change(diff(R"({"name": "ada"})", m), "subordinate ids")->after == Value(std::int64_t{65536}));
  CHECK_FALSE(change(diff(R"({"name": "ada", "system": true})", m), "subordinate ids"));
  CHECK_FALSE(change(diff(R"({"name": "ada"})"), "subordinate ids"));
}

TEST_CASE("user: a home that belongs to somebody else is not removed") {
  auto m = machine();
  m.a.users["ubuntu"].home = "/home";
  CHECK(failure(R"({"name": "ubuntu", "state": "absent", "remove_home": true})", m) ==
        "/home is the home of `ubuntu` but belongs to `root`: it is not removed");
}

TEST_CASE("user: a group that does not exist and a number that is taken are errors") {
  CHECK(failure(R"({"name": "ubuntu", "groups": ["wheel"]})") == "group `wheel` does not exist");
  CHECK(failure(R"({"name": "ada", "group": "wheel"})") == "group `wheel` does not exist");
  CHECK(failure(R"({"name": "ada", "uid": 1000})") == "uid 1000 belongs to user `ubuntu`");
}

TEST_CASE("user: parameters that do not go together are mistakes") {
  CHECK(has(failure(R"({"name": "Bad Name"})"), "`Bad Name` is no user name"));
  CHECK(has(failure(R"({"name": "a", "groups": ["x"], "only_groups": ["y"]})"),
            "groups and only_groups exclude each other"));
  CHECK(has(failure(R"({"name": "a", "remove_home": true})"), "remove_home needs state absent"));
  CHECK(has(failure(R"({"name": "a", "keep_group": true})"), "keep_group needs state absent"));
  CHECK(has(failure(R"({"name": "a", "shell": "zsh"})"), "`zsh` is no absolute path of a shell"));
  CHECK(has(failure(R"({"name": "a", "comment": "a:b"})"), "a comment cannot have a colon or a line break"));
}

TEST_CASE("user: two that add different groups share the user in peace, attributes are owned") {
  const auto module = find_module("user");
  const auto claims = [&](const char* json) {
    return module->claims(try_module("user", json, machine()).desired);
  };
  for (const Claim& c : claims(R"({"name": "ubuntu", "groups": ["docker"]})"))
    CHECK(c.access != Claim::Access::owns);
  const Claims edit = claims(R"({"name": "ubuntu", "groups": ["docker"]})");
  REQUIRE(edit.size() == 2);
  CHECK(edit[0].subkey == "group:docker");
  CHECK(edit[1].kind == Claim::Kind::group);
  CHECK(edit[1].access == Claim::Access::reads);
  CHECK(claims(R"({"name": "ubuntu", "shell": "/bin/bash"})")[0].access == Claim::Access::owns);
  CHECK(claims(R"({"name": "ubuntu", "only_groups": ["adm"]})")[0].access == Claim::Access::owns);
}

TEST_CASE("user: a group may be given by its number") {
  CHECK(diff(R"({"name": "ubuntu", "group": "1000", "groups": ["4", "adm"]})").empty());
  const Diff d = diff(R"({"name": "ubuntu", "groups": ["998"]})");
  REQUIRE(action<ChangeMembership>(d, 0));
  CHECK(action<ChangeMembership>(d, 0)->add == Names{"docker"});
  CHECK(action<CreateUser>(diff(R"({"name": "ada", "groups": ["998", "docker"]})"), 0)->groups ==
        Names{"docker"});
  CHECK(failure(R"({"name": "ubuntu", "groups": ["61"]})") == "group `61` does not exist");
  FakeMachine m = machine();
  m.a.groups["998"] = {"998", 5, {}};  // usermod(8) takes a name first, too
  CHECK(action<ChangeMembership>(diff(R"({"name": "ubuntu", "groups": ["998"]})", m), 0)->add == Names{"998"});
}

TEST_CASE("user: its outputs are name, number, home and shell") {
  const auto tried = try_module("user", R"({"name": "ubuntu"})", machine());
  CHECK(to_json(find_module("user")->outputs(tried.desired, tried.current).values) ==
        R"({"name":"ubuntu","uid":1000,"home":"/home/ubuntu","shell":"/bin/bash"})");
}
