#include "domains/packages/dpkg_database.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

// A dpkg folder of its own, gone afterwards.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "dpkg-XXXXXX").string();
    path = ::mkdtemp(name.data());
    std::filesystem::create_directory(path / "updates");
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) { std::ofstream(path / name) << text; }
};

const std::string status = R"(Package: dpkg
Essential: yes
Status: install ok installed
Architecture: amd64
Version: 1.21.22

Package: mawk
Status: install ok installed
Architecture: amd64
Version: 1.3.4.20200120-3.1
Provides: awk
Description: Pattern scanning
 Package: not-a-field
 .
 more

Package: telnet
Status: deinstall ok config-files
Architecture: all
Version: 0.17

Package: containerd
Status: install ok half-configured
Architecture: amd64
Version: 1.6.20

Package: docker.io
Status: install reinstreq half-installed
Architecture: amd64
Version: 20.10.24

Package: libc6
Status: hold ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-9

Package: libc6
Status: install ok installed
Architecture: i386
Multi-Arch: same
Version: 2.36-8

Package: wine32
Status: install ok installed
Architecture: i386
Version: 8.0
Provides: wine-loader (= 8.0), wine-any:any
)";

}  // namespace

TEST_CASE("an installed package is found with its version and architecture") {
  Folder folder;
  folder.write("status", status);
  const DpkgDatabase dpkg(folder.path);
  const auto found = dpkg.installed("mawk");
  REQUIRE(found);
  CHECK(found->name == "mawk");
  CHECK(found->version == "1.3.4.20200120-3.1");
  CHECK(found->architecture == "amd64");
  CHECK(found->state == PackageState::installed);
  CHECK(dpkg.native_architecture() == "amd64");
}

TEST_CASE("the first and the last package of the database are found") {
  Folder folder;
  folder.write("status", status);
  const DpkgDatabase dpkg(folder.path);
  CHECK(dpkg.installed("dpkg"));
  CHECK(dpkg.installed("wine32:i386"));
}

TEST_CASE("what broke while it was unpacked must be unpacked again") {
  std::vector<std::string> broken;
  for (const DpkgEntry& entry : dpkg_entries(status, ""))
    if (entry.unpack_again) broken.push_back(entry.name);
  CHECK(broken == std::vector<std::string>{"docker.io"});
}

TEST_CASE("what is not in the database, a part of a name and a line of a description are absent") {
  Folder folder;
  folder.write("status", status);
  const DpkgDatabase dpkg(folder.path);
  CHECK_FALSE(dpkg.installed("maw"));
  CHECK_FALSE(dpkg.installed("awk2"));
  CHECK_FALSE(dpkg.installed("not-a-field"));
}

TEST_CASE("a virtual name is its installed provider") {
  Folder folder;
  folder.write("status", status);
  const auto found = DpkgDatabase(folder.path).installed("awk");
  REQUIRE(found);
  CHECK(found->name == "mawk");
}

TEST_CASE("a removed package's configuration files and interrupted states are distinguished") {
  Folder folder;
  folder.write("status", status);
  const DpkgDatabase dpkg(folder.path);
  CHECK(dpkg.installed("telnet")->state == PackageState::config_files);
  CHECK(dpkg.installed("containerd")->state == PackageState::interrupted);
  CHECK(dpkg.installed("docker.io")->state == PackageState::interrupted);
}

TEST_CASE("a package's configuration files are found, also those of one that was removed") {
  Folder folder;
  folder.write("status", status + R"(
Package: nano
Status: deinstall ok config-files
Architecture: amd64
Version: 7.2
Conffiles:
 /etc/nanorc c1e4d6a1a1f7c6f29a1a1b8d9e1c4d5f
 /etc/old d41d8cd98f00b204e9800998ecf8427e obsolete
Description: small
 /not/one of them

Package: last
Status: install ok installed
Architecture: all
Version: 1
Conffiles:
 /etc/last 0
)");
  const DpkgDatabase database(folder.path);
  CHECK(database.configuration_files("nano") == std::vector<std::string>{"/etc/nanorc", "/etc/old"});
  CHECK(database.configuration_files("nano:amd64").size() == 2);
  CHECK(database.configuration_files("last") == std::vector<std::string>{"/etc/last"});
  CHECK(database.configuration_files("mawk").empty());
  CHECK(database.configuration_files("none").empty());
}

TEST_CASE("a name without an architecture means the native one") {
  Folder folder;
  folder.write("status", status);
  const DpkgDatabase dpkg(folder.path);
  CHECK(dpkg.installed("libc6")->version == "2.36-9");
  CHECK(dpkg.installed("libc6:amd64")->version == "2.36-9");
  CHECK(dpkg.installed("libc6:i386")->version == "2.36-8");
  CHECK_FALSE(dpkg.installed("wine32"));
  CHECK_FALSE(dpkg.installed("wine-loader"));
  CHECK(dpkg.installed("wine-loader:i386")->name == "wine32");
}

TEST_CASE("the journal overrides the status file and means an interruption") {
  Folder folder;
  const auto healthy = status.substr(0, status.find("Package: telnet"));
  folder.write("status", healthy);
  const DpkgDatabase dpkg(folder.path);
  CHECK_FALSE(dpkg.interrupted());
  folder.write("updates/0000", "Package: mawk\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 2\n");
  folder.write("updates/0001",
               "Package: jq\nStatus: install ok half-installed\nArchitecture: amd64\nVersion: 1.6\n");
  CHECK(dpkg.interrupted());
  CHECK(dpkg.installed("mawk")->version == "2");
  CHECK(dpkg.installed("mawk")->state == PackageState::interrupted);
  CHECK(dpkg.installed("jq")->state == PackageState::interrupted);
  std::filesystem::remove(folder.path / "updates/0000");
  std::filesystem::remove(folder.path / "updates/0001");
  CHECK_FALSE(dpkg.interrupted());
  CHECK(dpkg.installed("mawk")->state == PackageState::installed);
}

TEST_CASE("a half-configured package means an interruption") {
  Folder folder;
  folder.write("status", status);
  CHECK(DpkgDatabase(folder.path).interrupted());
}

TEST_CASE("a database that is replaced is read again") {
  Folder folder;
  folder.write("status", status);
  const DpkgDatabase dpkg(folder.path);
  CHECK_FALSE(dpkg.installed("jq"));
  folder.write("status.new",
               status + "\nPackage: jq\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.6\n");
  std::filesystem::rename(folder.path / "status.new", folder.path / "status");
  CHECK(dpkg.installed("jq")->version == "1.6");
}

TEST_CASE("a machine without dpkg is distinguished from one without packages") {
  Folder folder;
  try {
    DpkgDatabase(folder.path).installed("jq");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(error.message() == "no dpkg on this machine: there is no " + folder.path.string() + "/status");
  }
  folder.write("status", "");
  CHECK_FALSE(DpkgDatabase(folder.path).installed("jq"));
}
