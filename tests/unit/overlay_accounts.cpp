#include "domains/accounts/overlay.hpp"

#include "base/error.hpp"
#include "domains/accounts/local.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using Names = std::vector<std::string>;

namespace {

test::FakeAccounts machine() {
  test::FakeAccounts a;
  a.users["ubuntu"] = {"ubuntu", 1000, "ubuntu", "", "/home/ubuntu", "/bin/bash", {"adm"}};
  a.groups["ubuntu"] = {"ubuntu", 1000, {}};
  a.groups["adm"] = {"adm", 4, {"ubuntu"}};
  return a;
}

template <class Action>
std::string error_of(OverlayAccounts& overlay, const Action& action) {
  try {
    overlay.apply(action);
  } catch (const Error& error) {
    return error.message();
  }
  return "none";
}

}  // namespace

TEST_CASE("an untouched overlay is its base") {
  const auto base = machine();
  const OverlayAccounts overlay(base);
  CHECK(overlay.user("ubuntu") == base.user("ubuntu"));
  CHECK(overlay.group_by_gid(4)->name == "adm");
  CHECK_FALSE(overlay.user("ada"));
  CHECK_FALSE(overlay.touched_user("ubuntu"));
}

TEST_CASE("a group that was made can be joined, and the base does not notice") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  overlay.apply(CreateGroup{"docker", {}, true});
  CHECK(overlay.group("docker"));
  CHECK_FALSE(overlay.group("docker")->gid);
  overlay.apply(ChangeMembership{"ubuntu", {"docker"}, {"adm"}});
  CHECK(overlay.user("ubuntu")->groups == Names{"docker"});
  CHECK(overlay.group("docker")->members == Names{"ubuntu"});
  CHECK(overlay.group("adm")->members.empty());
  CHECK(overlay.user_by_uid(1000)->groups == Names{"docker"});
  CHECK(base.user("ubuntu")->groups == Names{"adm"});
}

TEST_CASE("a new user brings a primary group of its name, unless it is given one") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  overlay.apply(CreateUser{"ada", {}, false, "", "/home/ada", "/bin/bash", "Ada", {"adm"}});
  CHECK(overlay.group("ada"));
  CHECK(overlay.user("ada")->group == "ada");
  CHECK(overlay.user("ada")->groups == Names{"adm"});
  CHECK(overlay.group("adm")->members == Names{"ada", "ubuntu"});
  overlay.apply(CreateUser{"bob", 1500u, false, "adm", "/home/bob", "/bin/sh", "", {}});
  CHECK_FALSE(overlay.group("bob"));
  CHECK(overlay.user_by_uid(1500)->name == "bob");
}

TEST_CASE("a user's new values are seen, also by its new number") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  overlay.apply(ChangeUser{"ubuntu", 1234u, "adm", "/srv/u", "/bin/zsh", "U"});
  const UserAccount expected{"ubuntu", 1234, "adm", "U", "/srv/u", "/bin/zsh", {}};
  CHECK(*overlay.user("ubuntu") == expected);
  CHECK(overlay.user_by_uid(1234)->name == "ubuntu");
  CHECK_FALSE(overlay.user_by_uid(1000));
}

TEST_CASE("a removed user is gone from its groups and takes its own group along") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  overlay.apply(RemoveUser{"ubuntu"});
  CHECK_FALSE(overlay.user("ubuntu"));
  CHECK_FALSE(overlay.user_by_uid(1000));
  CHECK_FALSE(overlay.group("ubuntu"));
  CHECK_FALSE(overlay.group_by_gid(1000));
  CHECK(overlay.group("adm")->members.empty());
}

TEST_CASE("a group of the user's name that was there before stays, and one that is there is not made again") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  overlay.apply(RemoveUser{"ubuntu", true});
  CHECK_FALSE(overlay.user("ubuntu"));
  CHECK(overlay.group("ubuntu"));
  overlay.apply(CreateGroup{"ubuntu", 7, false, true});
  CHECK(overlay.group("ubuntu")->gid == 1000);
}

TEST_CASE("a removed group is gone from its members, a changed one has its new number") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  overlay.apply(ChangeGroup{"adm", 44});
  CHECK(overlay.group_by_gid(44)->name == "adm");
  CHECK_FALSE(overlay.group_by_gid(4));
  overlay.apply(RemoveGroup{"adm"});
  CHECK_FALSE(overlay.group("adm"));
  CHECK(overlay.user("ubuntu")->groups.empty());
}

TEST_CASE("what the real programs refuse is refused") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  CHECK(error_of(overlay, CreateGroup{"adm", {}, false}) == "group `adm` exists already");
  CHECK(error_of(overlay, CreateUser{"ubuntu", {}, false, "", "", "", "", {}}) ==
        "user `ubuntu` exists already");
  CHECK(error_of(overlay, CreateUser{"ada", {}, false, "docker", "", "", "", {}}) ==
        "group `docker` does not exist");
  CHECK(error_of(overlay, ChangeMembership{"ubuntu", {"docker"}, {}}) == "group `docker` does not exist");
}

TEST_CASE("an absent account counts as removed: an interrupted removal is repeated") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  CHECK(error_of(overlay, RemoveGroup{"docker"}) == "none");
  CHECK(error_of(overlay, RemoveUser{"ada"}) == "none");
  CHECK(error_of(overlay, ChangeMembership{"ubuntu", {}, {"docker"}}) == "none");
  CHECK_FALSE(overlay.user("ada"));
  CHECK(overlay.user("ubuntu") == base.user("ubuntu"));
}

TEST_CASE("a group that is somebody's primary one is not removed, as groupdel has it") {
  const auto base = machine();
  OverlayAccounts overlay(base);
  overlay.apply(CreateUser{"bob", 1500u, false, "adm", "/home/bob", "/bin/sh", "", {}});
  try {
    overlay.apply(RemoveGroup{"adm"});
    FAIL("it was removed");
  } catch (const Error& e) {
    CHECK(std::string(e.what()) == "removing group adm: groupdel ended with status 8");
    CHECK(e.output() == "groupdel: cannot remove the primary group of user 'bob'\n");
  }
  overlay.apply(RemoveUser{"bob"});
  overlay.apply(RemoveGroup{"adm"});
  const LocalAccounts accounts;
  OverlayAccounts real(accounts);
  CHECK(error_of(real, RemoveGroup{"daemon"}) == "groupdel ended with status 8");
}
