#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

// Property, before and after of each change: "mode 0700>0755".
std::string changes(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes)
    text += (text.empty() ? "" : ", ") + c.property + " " + c.before.to_text() + ">" + c.after.to_text();
  return text;
}

std::string failure(const std::string& json, const FakeMachine& machine) {
  try {
    try_module("directory", json, machine);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no failure";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("directory: nothing there, present: it is made with mode 0755") {
  FakeMachine machine;
  machine.f.folder("/srv");
  const Tried t = try_module("directory", R"({"path": "/srv/data"})", machine);
  CHECK(changes(t.diff) == "exists false>true, mode null>0755");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* create = action<CreateDirectory>(t.diff, 0);
  REQUIRE(create);
  CHECK(create->path == "/srv/data");
  CHECK(create->mode == 0755u);
  CHECK(create->owner == "");
}

TEST_CASE("directory: a new one gets the desired mode, owner and group at once") {
  FakeMachine machine;
  const Tried t =
      try_module("directory", R"({"path": "/data", "mode": "2770", "owner": "ann", "group": "team"})", machine);
  CHECK(changes(t.diff) == "exists false>true, mode null>2770, owner null>ann, group null>team");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* create = action<CreateDirectory>(t.diff, 0);
  REQUIRE(create);
  CHECK(create->mode == 02770u);
  CHECK(create->owner == "ann");
  CHECK(create->group == "team");
}

TEST_CASE("directory: missing folders above are an error that names the nearest, or are made with parents") {
  FakeMachine machine;
  machine.f.folder("/srv");
  CHECK(failure(R"({"path": "/srv/a/b/c"})", machine) ==
        "/srv/a/b does not exist, so /srv/a/b/c cannot be made: give it a directory resource before this one, "
        "or set "
        "`parents`");
  const Tried t = try_module(
      "directory", R"({"path": "/srv/a/b/c", "parents": true, "owner": "ann", "mode": "0700"})", machine);
  CHECK(changes(t.diff) ==
        R"(exists false>true, parents []>["/srv/a","/srv/a/b"], mode null>0700, owner null>ann)");
  REQUIRE(t.diff.actions.size() == 3);
  const auto *a = action<CreateDirectory>(t.diff, 0), *b = action<CreateDirectory>(t.diff, 1),
             *c = action<CreateDirectory>(t.diff, 2);
  REQUIRE((a && b && c));
  CHECK(a->path == "/srv/a");
  CHECK(a->mode == 0755u);
  CHECK(a->owner == "ann");
  CHECK(b->path == "/srv/a/b");
  CHECK(c->path == "/srv/a/b/c");
  CHECK(c->mode == 0700u);
}

TEST_CASE("directory: what stands above and is no folder is an error") {
  FakeMachine machine;
  machine.f.file("/srv", "x");
  CHECK(failure(R"({"path": "/srv/a"})", machine) == "/srv is a file, not a folder, so /srv/a cannot be made");
  machine.f.link("/srv", "/nowhere");
  CHECK(failure(R"({"path": "/srv/a"})", machine) ==
        "/srv is a symbolic link to nothing, so /srv/a cannot be made");
  machine.f.link("/srv", "/mnt");
  machine.f.folder("/mnt");
  CHECK(failure(R"({"path": "/srv/a"})", machine) == "no failure");
}

TEST_CASE("directory: a converged folder needs nothing") {
  FakeMachine machine;
  machine.f.folder("/data", 0750, "ann");
  CHECK(try_module("directory", R"({"path": "/data"})", machine).diff.empty());
  CHECK(try_module("directory", R"({"path": "/data", "mode": "0750", "owner": "ann", "group": "ann"})", machine)
            .diff.empty());
}

TEST_CASE("directory: a folder's mode, owner and group are changed in one action") {
  FakeMachine machine;
  machine.f.folder("/data", 0750, "ann");
  const Tried t =
      try_module("directory", R"({"path": "/data", "mode": "0700", "owner": "bob", "group": "team"})", machine);
  CHECK(changes(t.diff) == "mode 0750>0700, owner ann>bob, group ann>team");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* set = action<SetAttributes>(t.diff, 0);
  REQUIRE(set);
  CHECK(set->mode == 0700u);
  CHECK(set->owner == "bob");
  CHECK(set->group == "team");
}

TEST_CASE("directory: what is as desired is left out of the action") {
  FakeMachine machine;
  machine.f.folder("/data", 0750, "ann");
  const Tried t = try_module("directory", R"({"path": "/data", "mode": "0750", "owner": "bob"})", machine);
  const auto* set = action<SetAttributes>(t.diff, 0);
  REQUIRE(set);
  CHECK(!set->mode);
  CHECK(set->owner == "bob");
  CHECK(set->group == "");
}

TEST_CASE("directory: an owner given by number is the account of that number") {
  FakeMachine machine;
  machine.f.folder("/data", 0755, "ann");
  machine.a.users["ann"] = {.name = "ann", .uid = 1000};
  machine.a.groups["ann"] = {.name = "ann", .gid = 1000};
  CHECK(
      try_module("directory", R"({"path": "/data", "owner": "1000", "group": "1000"})", machine).diff.empty());
  CHECK(changes(try_module("directory", R"({"path": "/data", "owner": "1001"})", machine).diff) ==
        "owner ann>1001");
}

TEST_CASE("directory: a link to a folder is followed") {
  FakeMachine machine;
  machine.f.link("/data", "/mnt");
  machine.f.folder("/mnt", 0700);
  CHECK(try_module("directory", R"({"path": "/data", "mode": "0700"})", machine).diff.empty());
  const Tried t = try_module("directory", R"({"path": "/data", "mode": "0755", "force": true})", machine);
  CHECK(changes(t.diff) == "mode 0700>0755");
  CHECK(action<SetAttributes>(t.diff, 0));
}

TEST_CASE("directory: what is no folder is replaced only with force") {
  FakeMachine machine;
  std::string description;
  SECTION("a file") {
    machine.f.file("/data", "x");
    description = "a file";
  }
  SECTION("a link to nothing") {
    machine.f.link("/data", "/nowhere");
    description = "a symbolic link";
  }
  SECTION("a link to a file") {
    machine.f.link("/data", "/x");
    machine.f.file("/x", "x");
    description = "a symbolic link";
  }
  CHECK(failure(R"({"path": "/data"})", machine) ==
        "/data is " + description + ", not a folder; with `force` it would be replaced");
  const Tried t = try_module("directory", R"({"path": "/data", "force": true})", machine);
  CHECK(changes(t.diff) == "type " + description + ">a folder, mode null>0755");
  REQUIRE(t.diff.actions.size() == 2);
  const auto* remove = action<RemovePath>(t.diff, 0);
  REQUIRE(remove);
  CHECK(remove->path == "/data");
  CHECK(!remove->recursive);
  CHECK(action<CreateDirectory>(t.diff, 1));
}

TEST_CASE("directory: absent and nothing there needs nothing, folders above or not") {
  FakeMachine machine;
  CHECK(try_module("directory", R"({"path": "/a/b", "state": "absent"})", machine).diff.empty());
}

TEST_CASE("directory: absent removes an empty folder, and one with content only with recursive") {
  FakeMachine machine;
  machine.f.folder("/data");
  const Tried empty = try_module("directory", R"({"path": "/data", "state": "absent"})", machine);
  CHECK(changes(empty.diff) == "exists true>false");
  REQUIRE(action<RemovePath>(empty.diff, 0));
  CHECK(!action<RemovePath>(empty.diff, 0)->recursive);
  machine.f.file("/data/x", "x");
  CHECK(failure(R"({"path": "/data", "state": "absent"})", machine) ==
        "/data has content; with `recursive` it would be removed with all of it");
  const Tried full =
      try_module("directory", R"({"path": "/data", "state": "absent", "recursive": true})", machine);
  REQUIRE(action<RemovePath>(full.diff, 0));
  CHECK(action<RemovePath>(full.diff, 0)->recursive);
}

TEST_CASE("directory: absent removes a link itself, and never recursively") {
  FakeMachine machine;
  machine.f.link("/data", "/mnt");
  machine.f.folder("/mnt");
  machine.f.file("/mnt/x", "x");
  const Tried t =
      try_module("directory", R"({"path": "/data", "state": "absent", "recursive": true})", machine);
  REQUIRE(action<RemovePath>(t.diff, 0));
  CHECK(action<RemovePath>(t.diff, 0)->path == "/data");
  CHECK(!action<RemovePath>(t.diff, 0)->recursive);
}

TEST_CASE("directory: absent removes a file only with force") {
  FakeMachine machine;
  machine.f.file("/data", "x");
  CHECK(failure(R"({"path": "/data", "state": "absent"})", machine) ==
        "/data is a file, not a folder; with `force` it would be removed");
  const Tried t = try_module("directory", R"({"path": "/data", "state": "absent", "force": true})", machine);
  CHECK(changes(t.diff) == "exists true>false");
  CHECK(action<RemovePath>(t.diff, 0));
}

TEST_CASE("directory: parameters that contradict each other are reported") {
  const FakeMachine machine;
  CHECK(says(failure(R"({"path": "/", "state": "absent"})", machine), "the root folder cannot be removed"));
  CHECK(says(failure(R"({"path": "/a", "recursive": true})", machine), "`recursive` is for state absent"));
}

TEST_CASE("directory: claims its path, reads its accounts, runs as the path's owner") {
  FakeMachine machine;
  machine.f.folder("/home/ubuntu/soft");
  const Tried t =
      try_module("directory", R"({"path": "~/soft", "owner": "ubuntu", "group": "docker"})", machine);
  const Module& module = *find_module("directory");
  const Claims claims = module.claims(t.desired);
  REQUIRE(claims.size() == 3);
  CHECK(claims[0].key == "/home/ubuntu/soft");
  CHECK(claims[0].access == Claim::Access::owns);
  CHECK(!claims[0].tree);
  CHECK(claims[1].kind == Claim::Kind::user);
  CHECK(claims[1].access == Claim::Access::reads);
  CHECK(claims[2].kind == Claim::Kind::group);
  const Actor actor = module.actor(t.desired);
  CHECK(actor.kind == Actor::Kind::path);
  CHECK(actor.path == "/home/ubuntu/soft");
  CHECK(actor.owner == "ubuntu");
  CHECK(to_json(module.outputs(t.desired, t.current).values) == R"({"path":"/home/ubuntu/soft"})");
}
