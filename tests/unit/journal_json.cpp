// What the journal keeps of actions is read back as it was, but for what it leaves out.
#include "state/journal_json.hpp"

#include "state/json_value.hpp"
#include "support/catch.hpp"

namespace {

using namespace mlops;

std::string json_of(const Action& action) { return to_json(to_kept(action)); }

// As text, twice around: equality without an operator for each action.
std::string around(const Action& action) {
  const auto back = kept_action(parse_kept(json_of(action)));
  return back ? json_of(*back) : "lost";
}

const Tunnel tunnel{
    "jupyter", Tunnel::Direction::remote, "host", {"localhost", 8888, ""}, {"", 0, "/run/app.sock"},
    true,      "/home/ubuntu/ssh"};

// One of each, every member that is kept set.
std::vector<Action> every_action() {
  const CloudScope scope{"work", "eu-central-1"};
  return {
      WriteFile{"/f", "content", 0600, "ada", "staff", true, true},
      CreateSecret{"/s", 16, "ada", "staff"},
      CreateSshKey{"/k.pem", CreateSshKey::Type::rsa, 4096, "box", 0600, "ada", "staff"},
      CreateDirectory{"/d", 0700, "ada", "staff"},
      CreateLink{"/l", "/f", "ada", "staff"},
      SetAttributes{"/f", 0644, "ada", "staff", std::map<std::string, std::string>{{"user.x", "\xff"}}},
      RemovePath{"/d", true, true},
      RenamePath{"/a", "/b"},
      RestorePath{{"/f",
                   SavedPath::Kind::link,
                   0777,
                   "ada",
                   "staff",
                   -5,
                   12345678901234567,
                   {{"user.x", "\xff\x00y"}},
                   "\xfe odd",
                   12,
                   "abc",
                   "/g",
                   42,
                   2},
                  {},
                  {{{"/f/g", SavedPath::Kind::file, 0600}, {}}}},
      CreateGroup{"g", 1234, true, true},
      ChangeGroup{"g", 1234},
      RemoveGroup{"g"},
      CreateUser{"u",
                 1000,
                 true,
                 "g",
                 "/home/u",
                 "/bin/sh",
                 "A comment",
                 {"docker", "video"},
                 std::vector<std::string>{"100000:65536"},
                 std::vector<std::string>{}},
      ChangeUser{"u", 1000, "g", "/home/u", "/bin/sh", ""},
      RemoveUser{"u", true},
      ChangeMembership{"u", {"docker"}, {"video"}},
      InstallPackages{{"curl=1.2"}, true, 5, {{"curl", "", "1.2"}}},
      RemovePackages{{"curl"}, 5, {{"curl", "1.2", ""}}},
      RepairPackages{5},
      RefreshIndex{5},
      ChangeUnit{"cron.service", ChangeUnit::Verb::disable},
      RunCommand{.command = {.argv = {"make", "install"}, .cwd = "/src"},
                 .creates = {"/usr/local/x"},
                 .bounded = true,
                 .remove_on_failure = "/usr/local/x",
                 .doing = "making"},
      Download{"https://x/y", "/y", "00ff", "https://x/sums", 0600, "ada", "staff", 9},
      StartTunnel{tunnel},
      StopTunnel{"jupyter"},
      ImportKeyPair{scope, "box", "/home/u/.ssh/box.pem", ""},
      DeleteKeyPair{scope, "box"},
      CreateCloudGroup{scope, "vpc-1", "box", "ssh"},
      DeleteCloudGroup{scope, "vpc-1", "box"},
      ChangeCloudRules{scope, "vpc-1", "box", {{"tcp", 22, 22, "192.0.2.7/32", "", "home", ""}}, {}},
      LaunchInstance{scope,
                     "box",
                     {.image = "debian-12",
                      .types = {"t3.small"},
                      .disk_gib = 30,
                      .disk_type = "gp3",
                      .key_pair = "box",
                      .groups = {"box"},
                      .subnet = "",
                      .user_data = "",
                      .tags = {{"course", "mlops"}}}},
      PowerInstance{scope, "box", "i-1", PowerInstance::Verb::stop},
      ModifyInstance{scope, "box", "i-1", "t3.large", 40, "gp3", {"sg-1"}, {{"a", "b"}}, true, "ssh-ed25519 A"},
      ChangeCloudAddress{scope, "box", "i-1", true},
      PullImage{"/run/d.sock", "hello-world:latest", "sha256:1", "linux/arm64"},
      LoadImage{"/run/d.sock", "a:1", "/a.tar", "https://x/a.tar", "00ff"},
      TagImage{"/run/d.sock", "sha256:1", "a:1"},
      RemoveImage{"/run/d.sock", "a:1"}};
}

}  // namespace

TEST_CASE("every action that is kept is read back") {
  const auto all = every_action();
  CHECK(all.size() == std::variant_size_v<Action>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].index() == i);
    INFO(json_of(all[i]));
    CHECK(around(all[i]) == json_of(all[i]));
    CHECK(kept_action(parse_kept(json_of(all[i])))->index() == i);
  }
}

TEST_CASE("what an older journal kept is read with its names") {
  const auto kept = [](const char* json) { return kept_action(parse_kept(json)); };
  const auto write = kept(R"({"write_file": {"path": "/etc/motd", "mode": 420}})");
  REQUIRE(write);
  CHECK(std::get<WriteFile>(*write).path == "/etc/motd");
  CHECK(std::get<WriteFile>(*write).mode == 0644);
  CHECK(std::get<ChangeUnit>(*kept(R"({"change_unit": {"unit": "x", "verb": "enable"}})")).verb ==
        ChangeUnit::Verb::enable);
  CHECK_FALSE(kept(R"({"an_action_of_later": {}})"));
  CHECK_FALSE(kept("null"));
  CHECK_FALSE(kept("no json"));
}

TEST_CASE("content, what a program reads and values of its environment are not kept") {
  const std::string secret = "hunter2hunter2";
  RunCommand run;
  run.command = {.argv = {"login"}, .env = {{"TOKEN", secret}}, .input = secret};
  CHECK(json_of(run).find(secret) == std::string::npos);
  CHECK(json_of(WriteFile{.path = "/f", .content = secret}).find(secret) == std::string::npos);
  RestorePath restore;
  restore.content = secret;
  CHECK(json_of(restore).find(secret) == std::string::npos);
  Value value(secret);
  Change change{.property = "content", .before = value, .after = value, .sensitive = true, .text_diff = secret};
  CHECK(to_json(to_kept(change)).find(secret) == std::string::npos);
  change.sensitive = false;
  change.after.secret = true;
  CHECK(to_json(to_kept(change)).find(secret) == std::string::npos);
}

TEST_CASE("what an action replaces, and a change, are read back") {
  Before before;
  before.paths = {{"/f", SavedPath::Kind::file, 0600, "ada", "staff", 1, 2, {{"a", "b"}}, "", 3, "digest"},
                  {"/g"}};
  before.not_kept = "too large";
  before.user = UserAccount{"ada", 1000, "ada", "", "/home/ada", "/bin/sh", {"docker"}};
  before.group = GroupAccount{"ada", {}, {"bob"}};
  before.subuids = {"100000:65536"};
  before.active = false;
  before.enabled = true;
  before.tunnel = tunnel;
  before.packages = {{"curl", "1", "2"}};
  before.package_list = "digest";
  CHECK(kept_before(parse_kept(to_json(to_kept(before)))) == before);
  CHECK(kept_before(Value()) == Before());

  const Change change{
      .property = "mode", .before = "0644", .after = Value(), .kind = Change::Kind::event, .text_diff = "-a"};
  const Change back = kept_change(parse_kept(to_json(to_kept(change))));
  CHECK(back.property == "mode");
  CHECK(back.before == Value("0644"));
  CHECK(back.after.is_null());
  CHECK(back.kind == Change::Kind::event);
  CHECK(back.text_diff == "-a");
  CHECK_FALSE(back.sensitive);

  const Change later{.property = "others", .after = "later", .kind = Change::Kind::unknown};
  CHECK(kept_change(parse_kept(to_json(to_kept(later)))).kind == Change::Kind::unknown);
}
