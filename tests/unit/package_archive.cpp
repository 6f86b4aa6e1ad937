// What packages bring, from their archives.
#include "domains/packages/archive.hpp"

#include "domains/files/overlay.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

TEST_CASE("the list of an archive gives paths with type, mode, owner, size and target") {
  const auto paths = parse_contents(R"(drwxr-xr-x root/root         0 2023-05-01 12:00 ./
drwxr-xr-x root/root         0 2023-05-01 12:00 ./etc/docker/
-rwsr-xr-t root/messagebus 464 2023-05-01 12:00 ./usr/lib/a helper
lrwxrwxrwx root/root         0 2023-05-01 12:00 ./usr/bin/a -> ../lib/a
hrw-r--r-- root/root         0 2023-05-01 12:00 ./usr/share/b link to ./usr/share/a
crw-r--r-- root/root       1,3 2023-05-01 12:00 ./dev/null
-rw-r--r-- root/root         1 2023-05-01 12:00 ./usr/share/odd\nname
noise
)");
  REQUIRE(paths.size() == 4);
  CHECK(paths[0].path == "/etc/docker");
  CHECK(paths[0].status.type == FileType::directory);
  CHECK(paths[0].status.mode == 0755);
  CHECK(paths[1].path == "/usr/lib/a helper");
  CHECK(paths[1].status.mode == 05755);
  CHECK(paths[1].status.group == "messagebus");
  CHECK(paths[1].status.size == 464);
  CHECK(paths[2].status.type == FileType::symlink);
  CHECK(paths[2].target == "../lib/a");
  CHECK(paths[3].path == "/usr/share/b");
  CHECK(paths[3].status.type == FileType::regular);
}

TEST_CASE("an archive is found by name, version and architecture, as apt writes them") {
  TemporaryFolder folder;
  for (const char* name : {"git_1%3a2.39_amd64.deb", "git-man_1%3a2.39_all.deb", "libc6_2.36_i386.deb"})
    folder.file(name, "");
  CHECK(find_archive((folder / ""), "git", "1:2.39") == (folder / "") + "/git_1%3a2.39_amd64.deb");
  CHECK(find_archive((folder / ""), "libc6:i386", "2.36") == (folder / "") + "/libc6_2.36_i386.deb");
  CHECK(find_archive((folder / ""), "libc6:amd64", "2.36").empty());
  CHECK(find_archive((folder / ""), "git", "1:2.40").empty());
  CHECK(find_archive((folder / "") + "/none", "git", "1:2.39").empty());
}

TEST_CASE("what a package brings is in the tree, unless it is there already or its folder was removed") {
  FakeFiles real;
  for (const char* folder : {"/", "/etc", "/etc/gone"}) real.folder(folder);
  real.file("/etc/mine", "mine", 0600);
  OverlayFiles tree;
  tree.apply(RemovePath{"/etc/gone", true}, real, {"root", "root", "directory[gone]"});
  const auto bring = [&](const char* path, FileType type = FileType::regular) {
    PackagedPath packaged{path, {}, ""};
    packaged.status.type = type;
    packaged.status.mode = 0644;
    return tree.bring(packaged, real, "package[p]");
  };
  CHECK(bring("/etc/new", FileType::directory));
  CHECK(bring("/etc/new/file"));
  CHECK_FALSE(bring("/etc/mine"));
  CHECK_FALSE(bring("/etc/gone/file"));
  CHECK_FALSE(bring("/none/file"));
  CHECK(tree.view(real, "/etc/new/file", 0)->status.mode == 0644);
  CHECK_THROWS_AS(tree.view(real, "/etc/new/file", 100), Unknown);
  CHECK(tree.view(real, "/etc/mine", 100)->content == "mine");
  CHECK_FALSE(tree.view(real, "/etc/gone/file", 0));
}
