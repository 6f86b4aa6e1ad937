// The files that systemd reads units from: the newest one, drop-ins, and start links of init scripts.
#include "domains/services/unit_files.hpp"

#include <fcntl.h>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

std::int64_t changed(const std::string& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_ctim.tv_sec * 1'000'000LL + s.st_ctim.tv_nsec / 1000;
}

// Of this unit, in the two folders.
std::int64_t newest(const TemporaryFolder& at, const std::string& unit) {
  return newest_unit_file({at / "etc", at / "usr"}, {unit});
}

}  // namespace

TEST_CASE("a unit's newest file is its own, or a drop-in in any of the folders that may contain one") {
  TemporaryFolder at;
  at.folder("etc");
  at.folder("usr");
  CHECK(newest(at, "a-b@c.service") == 0);
  for (const char* name : {"etc/a-b@c.service", "usr/a-b@.service.d", "etc/a-.service.d", "usr/service.d",
                           "etc/a-b@c.service.d"}) {
    CAPTURE(name);
    const std::int64_t before = newest(at, "a-b@c.service");
    std::string written = name;
    if (written.ends_with(".d")) {
      at.folder(name);
      written += "/10-x.conf";
    }
    // The kernel's clock for files ticks every few milliseconds.
    for (std::int64_t now = before; now <= before; now = changed(at / written)) at.file(written, "");
    CHECK(newest(at, "a-b@c.service") == changed(at / written));
  }
}

TEST_CASE("an old time of a drop-in does not hide that it came just now") {
  TemporaryFolder at;
  at.folder("etc/x.service.d");
  const std::string path = at.file("etc/x.service.d/a.conf", "");
  const timespec old[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), old, 0) == 0);
  CHECK(newest(at, "x.service") >= changed(path));
}

TEST_CASE("the files of other units, and what is no drop-in, are of no matter") {
  TemporaryFolder at;
  at.folder("etc/y.service.d");
  at.file("etc/y.service.d/a.conf", "");
  at.folder("etc/ab-.service.d");
  at.folder("etc/a.socket.d");
  CHECK(newest(at, "a-b.service") == 0);
}

TEST_CASE("what was written below systemd's folders is a unit's file") {
  CHECK(is_unit_file("/etc/systemd/system/a.service.d/x.conf"));
  CHECK(is_unit_file("/lib/systemd/system/a.service"));
  CHECK_FALSE(is_unit_file("/etc/systemd-not/x"));
  CHECK_FALSE(is_unit_file("/etc/motd"));
}

TEST_CASE("an init script starts at boot when runlevel 5 or S has a start link of it") {
  TemporaryFolder root;
  root.folder("etc/init.d");
  root.folder("etc/rc5.d");
  root.folder("etc/rcS.d");
  root.file("etc/init.d/old", "#!/bin/sh\n", 0755);
  root.file("etc/init.d/README", "", 0644);
  const std::string at = root / "";
  CHECK(init_script(at, "old.service") == "old");
  CHECK(init_script(at, "README.service").empty());
  CHECK(init_script(at, "old.socket").empty());
  CHECK(init_script(at, "none.service").empty());
  CHECK_FALSE(starts_at_boot(at, "old"));
  root.link("etc/rc5.d/K01old", "../init.d/old");
  CHECK_FALSE(starts_at_boot(at, "old"));
  root.link("etc/rc5.d/S01older", "../init.d/old");
  CHECK_FALSE(starts_at_boot(at, "old"));
  root.link("etc/rcS.d/S01old", "../init.d/old");
  CHECK(starts_at_boot(at, "old"));
}
