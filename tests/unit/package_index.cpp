// What is known of the package index and of marks without asking apt.
#include <fcntl.h>
#include <sys/stat.h>

#include "domains/packages/apt_output.hpp"
#include "domains/packages/local.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

void set_age(const std::string& path, std::time_t seconds) {
  const timespec times[2] = {{::time(nullptr) - seconds, 0}, {::time(nullptr) - seconds, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

// A machine whose index was fetched an hour ago, and whose sources are a day old.
struct IndexedMachine {
  TemporaryFolder at;
  Cancellation cancellation;
  IndexedMachine() {
    at.folder("dpkg/info");
    at.folder("apt/lists");
    at.folder("apt/periodic");
    at.folder("etc/sources.list.d");
    at.file("dpkg/status",
            "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
            "Package: jq\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.6\n\n"
            "Package: tz\nStatus: install ok installed\nArchitecture: all\nVersion: 2\n\n");
    at.file("apt/lists/deb_Packages", "");
    at.file("apt/periodic/update-success-stamp", "");
    at.file("etc/sources.list", "");
    at.file("etc/sources.list.d/a.sources", "");
    set_age(at / "apt/lists", 7200);
    set_age(at / "apt/periodic/update-success-stamp", 3600);
    set_age(at / "etc/sources.list", 86400);
    set_age(at / "etc/sources.list.d/a.sources", 86400);
    set_age(at / "etc/sources.list.d", 86400);
  }
  LocalPackages packages() {
    return {{}, cancellation, {}, at / "dpkg", at / "apt", at / "etc", at / "archives"};
  }
};

}  // namespace

TEST_CASE("the index is out of date when a list of sources, or their folder, is newer") {
  for (const char* newer : {"etc/sources.list", "etc/sources.list.d/a.sources", "etc/sources.list.d"}) {
    CAPTURE(newer);
    IndexedMachine machine;
    CHECK_FALSE(machine.packages().index_outdated());
    set_age(machine.at / newer, 60);
    CHECK(machine.packages().index_outdated());
    set_age(machine.at / "apt/periodic/update-success-stamp", 30);
    CHECK_FALSE(machine.packages().index_outdated());
  }
}

TEST_CASE("a list of sources from the future does not make every index old") {
  IndexedMachine machine;
  set_age(machine.at / "etc/sources.list", -86400);
  CHECK_FALSE(machine.packages().index_outdated());
}

TEST_CASE("an installed package knows whether it came along with another, as apt has it marked") {
  IndexedMachine machine;
  LocalPackages packages = machine.packages();
  CHECK_FALSE(packages.installed("jq")->automatic);
  machine.at.file("apt/extended_states",
                  "Package: jq\nArchitecture: amd64\nAuto-Installed: 1\n\n"
                  "Package: tz\nArchitecture: amd64\nAuto-Installed: 1\n\n"
                  "Package: dpkg\nArchitecture: amd64\nAuto-Installed: 0\n");
  CHECK(packages.installed("jq")->automatic);
  CHECK(packages.installed("tz")->automatic);
  CHECK_FALSE(packages.installed("dpkg")->automatic);
}
