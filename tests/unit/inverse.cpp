// How each action is reverted: the table of domains/inverse.hpp, cell by cell.
#include "domains/inverse.hpp"
#include "domains/capture_before.hpp"
#include "state/journal_json.hpp"
#include "support/catch.hpp"

namespace {

using namespace mlops;
using Kind = SavedPath::Kind;
using Verb = ChangeUnit::Verb;

SavedPath saved(const std::string& path, Kind kind) {
  SavedPath p{.path = path, .kind = kind, .mode = 0640, .owner = "ada", .group = "staff"};
  if (kind == Kind::file) p.digest = "d";
  return p;
}
Before at(const std::string& path, Kind kind) { return FilesReplaced{.paths = {saved(path, kind)}}; }

// In few words, one an action.
std::string text(const std::vector<Action>& actions) {
  std::string all;
  for (const Action& action : actions) all += to_json(to_kept(action)) + "\n";
  return all;
}
std::string text(const Action& action) { return text(std::vector{action}); }
std::string back(const Action& action, const Before& before) {
  const Inverse i = inverse(action, before);
  std::string all = text(i.actions);
  for (const std::string& one : i.stays) all += "stays: " + one + "\n";
  return all;
}

const UserAccount ada{"ada", 1001, "ada", "Ada", "/home/ada", "/bin/zsh", {"docker", "video"}};

}  // namespace

TEST_CASE("reverting what wrote a path") {
  const auto nothing = at("/f", Kind::absent), file = at("/f", Kind::file), link = at("/f", Kind::link);
  for (const Action& action :
       {Action(WriteFile{.path = "/f"}), Action(CreateSecret{.path = "/f"}), Action(Download{.path = "/f"}),
        Action(RestorePath{saved("/f", Kind::file), {}})}) {
    const bool sensitive = std::holds_alternative<CreateSecret>(action);
    CHECK(back(action, nothing) == text(RemovePath{.path = "/f", .sensitive = sensitive}));
    CHECK(back(action, file) == text(RestorePath{saved("/f", Kind::file), {}}));
    CHECK(back(action, link) == text(RestorePath{saved("/f", Kind::link), {}}));
    Before large = file;
    large.not_kept = "812 MB are more than 67 MB";
    CHECK(back(action, large) == "stays: what was at /f (812 MB are more than 67 MB)\n");
  }
  CHECK(back(WriteFile{.path = "/link/f"}, at("/real/f", Kind::absent)) == text(RemovePath{"/real/f"}));
  CHECK(back(WriteFile{.path = "/f", .sensitive = true}, nothing) ==
        text(RemovePath{.path = "/f", .sensitive = true}));
}

TEST_CASE("reverting folders, links and attributes") {
  CHECK(back(CreateDirectory{.path = "/d"}, at("/d", Kind::absent)) == text(RemovePath{"/d"}));
  CHECK(back(CreateDirectory{.path = "/d"}, at("/d", Kind::folder)) == "");
  CHECK(back(CreateLink{.path = "/l"}, at("/l", Kind::absent)) == text(RemovePath{"/l"}));
  CHECK(back(SetAttributes{.path = "/f", .mode = 0600}, at("/f", Kind::file)) ==
        text(SetAttributes{.path = "/f", .mode = 0640}));
  CHECK(back(SetAttributes{.path = "/f", .owner = "bob"}, at("/f", Kind::file)) ==
        text(SetAttributes{.path = "/f", .mode = 0640, .owner = "ada"}));
  CHECK(back(SetAttributes{.path = "/f", .group = "g"}, at("/f", Kind::file)) ==
        text(SetAttributes{.path = "/f", .mode = 0640, .group = "staff"}));
  CHECK(back(SetAttributes{.path = "/f", .mode = 0600}, at("/f", Kind::absent)) == "");
  // Capabilities and ACLs go with the owner, and come back with it.
  Before program = at("/f", Kind::file);
  program.paths[0].attributes = {{"security.capability", "c"}};
  CHECK(
      back(SetAttributes{.path = "/f", .owner = "bob"}, program) ==
      text(SetAttributes{.path = "/f", .mode = 0640, .owner = "ada", .extended = program.paths[0].attributes}));
  CHECK(back(SetAttributes{.path = "/f", .mode = 0600}, program) ==
        text(SetAttributes{.path = "/f", .mode = 0640}));
}

TEST_CASE("reverting a removal and a renaming") {
  CHECK(back(RemovePath{"/f"}, at("/f", Kind::absent)) == "");
  CHECK(back(RemovePath{"/f"}, at("/f", Kind::file)) == text(RestorePath{saved("/f", Kind::file), {}}));
  const Before tree = FilesReplaced{
      .paths = {saved("/d", Kind::folder), saved("/d/e", Kind::folder), saved("/d/e/f", Kind::file)}};
  CHECK(back(RemovePath{"/d", true}, tree) ==
        text(RestorePath{tree.paths[0], {}, {{tree.paths[1], {}}, {tree.paths[2], {}}}}));
  // Reverting a removal is a step of its own, and can be reverted.
  CHECK(back(RestorePath{tree.paths[0], {}, {{tree.paths[1], {}}}}, at("/d", Kind::absent)) ==
        text(RemovePath{"/d", true}));
  Before linked = at("/f", Kind::file);
  linked.paths[0].other_names = 1;
  CHECK(back(RemovePath{"/f"}, linked) ==
        text(RestorePath{linked.paths[0], {}}) +
            "stays: the hard links of /f to 1 other name, which will be another file\n");
  CHECK(back(RenamePath{"/a", "/b"},
             FilesReplaced{.paths = {saved("/b", Kind::absent), saved("/a", Kind::file)}}) ==
        text(RenamePath{"/b", "/a"}));
  CHECK(back(RenamePath{"/a", "/b"},
             FilesReplaced{.paths = {saved("/b", Kind::folder), saved("/a", Kind::folder)}}) ==
        text({RenamePath{"/b", "/a"}, RestorePath{saved("/b", Kind::folder), {}}}));
}

TEST_CASE("reverting accounts") {
  const Before nobody,
      user = AccountsReplaced{.user = ada, .group = GroupAccount{"ada", 1001, {}}, .subuids = {"100000:65536"}};
  const Before group = AccountsReplaced{.group = GroupAccount{"g", 1500, {"ada", "bob"}}};
  CHECK(back(CreateGroup{"g"}, nobody) == text(RemoveGroup{"g"}));
  CHECK(back(CreateGroup{"g"}, group) == "");
  CHECK(back(ChangeGroup{"g", 7}, group) == text(ChangeGroup{"g", 1500}));
  CHECK(back(RemoveGroup{"g"}, group) ==
        text({CreateGroup{"g", 1500, false}, ChangeMembership{"ada", {"g"}, {}},
              ChangeMembership{"bob", {"g"}, {}}}));
  CHECK(back(RemoveGroup{"g"}, nobody) == "");
  CHECK(back(CreateUser{.name = "ada"}, nobody) == text(RemoveUser{"ada"}));
  CHECK(back(CreateUser{.name = "ada"}, user) == "");
  // A group of the name that was there before stays.
  CHECK(back(CreateUser{.name = "ada", .group = "ada"},
             AccountsReplaced{.group = GroupAccount{"ada", 1001, {}}}) == text(RemoveUser{"ada", true}));
  CHECK(back(ChangeUser{.name = "ada", .shell = "/bin/sh"}, user) ==
        text(ChangeUser{.name = "ada", .shell = "/bin/zsh"}));
  CHECK(back(ChangeUser{"ada", 7, "g", "/h", "/s", "c"}, user) ==
        text(ChangeUser{"ada", 1001, "ada", "/home/ada", "/bin/zsh", "Ada"}));
  CHECK(back(RemoveUser{"ada"}, user) ==
        text({CreateGroup{"ada", 1001, false, true}, CreateUser{"ada",
                                                                1001,
                                                                false,
                                                                "ada",
                                                                "/home/ada",
                                                                "/bin/zsh",
                                                                "Ada",
                                                                {"docker", "video"},
                                                                std::vector<std::string>{"100000:65536"},
                                                                std::vector<std::string>{}}}) +
            "stays: the password of user ada, which is gone\n");
  CHECK(back(RemoveUser{"ada"}, nobody) == "");
  CHECK(back(ChangeMembership{"ada", {"docker", "sudo"}, {"video", "audio"}}, user) ==
        text(ChangeMembership{"ada", {"video"}, {"sudo"}}));
  CHECK(back(ChangeMembership{"ada", {"docker"}, {}}, user) == "");
}

TEST_CASE("reverting packages") {
  const Before before = PackagesReplaced{
      .packages = {{"curl", "", "7"}, {"git", "1", "2"}, {"libcurl", "", "7"}, {"nano", "3", ""}}};
  const RemovePackages remove{{"curl", "libcurl"}, 0, {{"curl", "7", ""}, {"libcurl", "7", ""}}};
  const InstallPackages install{{"git=1", "nano=3"}, false, 0, {{"git", "2", "1"}, {"nano", "", "3"}}};
  CHECK(back(InstallPackages{{"curl"}}, before) == text({remove, install}));
  CHECK(back(RemovePackages{{"nano"}}, before) == text({remove, install}));
  CHECK(back(InstallPackages{{"curl"}}, {}) == "");
  CHECK(back(RepairPackages{}, before) == "");
  CHECK(back(RefreshIndex{}, before) == "");
  // A configuration file that was there before its package came is put back.
  Before configured = PackagesReplaced{.packages = {{"nano", "", "3"}}, .configured = {"nano"}};
  configured.paths = {{.path = "/etc/nanorc", .kind = SavedPath::Kind::file},
                      {.path = "/etc/gone", .kind = SavedPath::Kind::absent}};
  CHECK(back(InstallPackages{{"nano"}}, configured) ==
        text({RemovePackages{{"nano"}, 0, {{"nano", "3", ""}}}, RestorePath{configured.paths[0]}}));
}

TEST_CASE("what changed between two lists of packages, and what had only its configuration files there") {
  const std::string before = "git 1\nnano (configuration)\nvim (configuration)\nzip 3 auto\n",
                    after = "git 2\nnano 7\nvim (configuration)\nzip (configuration)\n";
  Before noted;
  note_packages(before, after, noted);
  REQUIRE(noted.packages.size() == 3);
  CHECK(noted.packages[0] == PackageChange{"git", "1", "2"});
  CHECK(noted.packages[1] == PackageChange{"nano", "", "7"});
  CHECK(noted.packages[2] == PackageChange{"zip", "3", ""});
  CHECK(noted.configured == std::vector<std::string>{"nano"});
  CHECK(noted.automatic == std::vector<std::string>{"zip"});
  // It came along with another, and is to do so again.
  CHECK(
      back(RemovePackages{{"zip"}}, PackagesReplaced{.packages = {noted.packages[2]}, .automatic = {"zip"}}) ==
      text(InstallPackages{{"zip=3"}, false, 0, {{"zip", "", "3"}}, {"zip"}}));
}

TEST_CASE("reverting units and tunnels") {
  const auto unit = [](bool active, bool enabled) {
    Before before;
    before.active = active;
    before.enabled = enabled;
    return before;
  };
  const auto verb = [](Verb v) { return text(ChangeUnit{"u", v}); };
  CHECK(back(ChangeUnit{"u", Verb::start}, unit(false, false)) == verb(Verb::stop));
  CHECK(back(ChangeUnit{"u", Verb::start}, unit(true, false)) == "");
  CHECK(back(ChangeUnit{"u", Verb::stop}, unit(true, false)) == verb(Verb::start));
  CHECK(back(ChangeUnit{"u", Verb::stop}, unit(false, false)) == "");
  CHECK(back(ChangeUnit{"u", Verb::enable}, unit(false, false)) == verb(Verb::disable));
  CHECK(back(ChangeUnit{"u", Verb::disable}, unit(false, true)) == verb(Verb::enable));
  CHECK(back(ChangeUnit{"u", Verb::restart}, unit(true, true)) == "");
  CHECK(back(ChangeUnit{"u", Verb::restart}, unit(false, true)) == verb(Verb::stop));
  CHECK(back(ChangeUnit{"u", Verb::reload}, unit(true, true)) == "");
  const Tunnel old{.name = "t", .via = "old"};
  CHECK(back(StartTunnel{{.name = "t"}}, {}) == text(StopTunnel{"t"}));
  CHECK(back(StartTunnel{{.name = "t"}}, TunnelsReplaced{.tunnel = old}) == text(StartTunnel{old}));
  CHECK(back(StopTunnel{"t"}, TunnelsReplaced{.tunnel = old}) == text(StartTunnel{old}));
  CHECK(back(StopTunnel{"t"}, {}) == "");
}

TEST_CASE("a command stays, unless it made nothing but what it names") {
  RunCommand run;
  run.command.argv = {"make", "install"};
  CHECK(back(run, {}) == "stays: the command `make install`\n");
  run.creates = {"/a", "/b"};
  const Before nothing = FilesReplaced{.paths = {saved("/a", Kind::absent), saved("/b", Kind::absent)}};
  CHECK(back(run, nothing) == "stays: the command `make install`\n");
  run.bounded = true;
  CHECK(back(run, nothing) == text({RemovePath{"/b", true}, RemovePath{"/a", true}}));
  CHECK(back(run, FilesReplaced{.paths = {saved("/a", Kind::absent), saved("/b", Kind::folder)}}) ==
        "stays: the command `make install`\n");
}

TEST_CASE("actions are reverted from the last to the first, what was made and renamed where it is now") {
  RunCommand clone;
  clone.command.argv = {"git", "clone"};
  clone.creates = {"/srv/.c.new"};
  clone.bounded = true;
  const auto none = [](const char* path) { return at(path, Kind::absent); };
  const Before rename =
      FilesReplaced{.paths = {saved("/srv/c", Kind::absent), saved("/srv/.c.new", Kind::absent)}};
  CHECK(text(inverse({clone, RenamePath{"/srv/.c.new", "/srv/c"}}, {none("/srv/.c.new"), rename}).actions) ==
        text(RemovePath{"/srv/c", true}));

  // What a killed clone had left was removed first.
  Before leftover = rename;
  leftover.paths[1] = saved("/srv/.c.new", Kind::folder);
  const auto with_leftover =
      inverse({RemovePath{"/srv/.c.new", true}, clone, RenamePath{"/srv/.c.new", "/srv/c"}},
              {at("/srv/.c.new", Kind::folder), at("/srv/.c.new", Kind::folder), leftover});
  CHECK(text(with_leftover.actions) ==
        text({RemovePath{"/srv/c", true}, RestorePath{saved("/srv/.c.new", Kind::folder), {}}}));
  CHECK(with_leftover.stays.empty());

  // A home, made beside its place.
  const auto home = inverse(
      {CreateUser{.name = "ada"}, CreateDirectory{.path = "/home/.ada.new"},
       WriteFile{.path = "/home/.ada.new/.profile"}, SetAttributes{.path = "/home/.ada.new"},
       RenamePath{"/home/.ada.new", "/home/ada"}},
      {Before(), none("/home/.ada.new"), none("/home/.ada.new/.profile"), none("/home/.ada.new"),
       FilesReplaced{.paths = {saved("/home/ada", Kind::absent), saved("/home/.ada.new", Kind::absent)}}});
  CHECK(text(home.actions) == text({RemovePath{"/home/ada", true}, RemoveUser{"ada"}}));

  // What is forced into a place reached by a link: what is captured has the link replaced.
  const auto forced = inverse({RemovePath{"/lnk/x"}, CreateDirectory{.path = "/lnk/x"}},
                              {at("/real/x", Kind::file), at("/real/x", Kind::file)});
  CHECK(text(forced.actions) == text({RemovePath{"/real/x"}, RestorePath{saved("/real/x", Kind::file), {}}}));
  // A link to a folder, in the place of which a file is fetched: the link is reverted, not the folder.
  const auto fetched =
      inverse({RemovePath{"/l"}, Download{.path = "/l"}}, {at("/l", Kind::link), at("/folder", Kind::folder)});
  CHECK(text(fetched.actions) == text({RemovePath{"/l"}, RestorePath{saved("/l", Kind::link), {}}}));
  // A device is not kept, but what took its place goes.
  Before device = at("/f", Kind::other);
  device.not_kept = "/f is a device, a socket or a named pipe";
  const auto replaced = inverse({RemovePath{"/f"}, WriteFile{.path = "/f"}}, {device, device});
  CHECK(text(replaced.actions) == text(RemovePath{"/f"}));
  CHECK(replaced.stays.size() == 1);

  // An installer in an empty folder that was removed before it.
  RunCommand install;
  install.command.argv = {"bash", "installer"};
  install.creates = {"/opt/conda"};
  install.bounded = true;
  const auto conda = inverse({RemovePath{"/opt/conda"}, install},
                             {at("/opt/conda", Kind::folder), at("/opt/conda", Kind::folder)});
  CHECK(text(conda.actions) ==
        text({RemovePath{"/opt/conda", true}, RestorePath{saved("/opt/conda", Kind::folder), {}}}));
  CHECK(conda.stays.empty());
}
