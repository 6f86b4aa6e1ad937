// What the program packs of itself for other hosts, and where it looks for what was packed elsewhere.
#include "deploy/bundle.hpp"

#include <cstdlib>

#include "base/error.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::test;
using Catch::Contains;

namespace {

struct DataHome {
  explicit DataHome(const std::string& path) { ::setenv("XDG_DATA_HOME", path.c_str(), 1); }
  ~DataHome() { ::unsetenv("XDG_DATA_HOME"); }
};

std::string refusal(const std::string& architecture) {
  try {
    bundle_for(architecture, Cancellation());
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::unavailable);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("A bundle identifies itself, and is found for its architecture alone") {
  const AgentFolder folder;
  const std::string packed = folder.path("own.tar.gz");
  const Ended made = folder.run({"bundle", "--out", packed});
  REQUIRE(made.status == 0);
  const Bundle own = read_bundle(packed, Cancellation());
  CHECK_THAT(made.out, Contains(own.id) && Contains("for " + own.architecture));
  CHECK(folder.run({"--version"}).out == "mlops-agent " + own.version + "\n");
  CHECK(own.size == std::filesystem::file_size(packed));
  CHECK(own.files > 3);
  CHECK(own.unpacked > own.size);
  // The same program, the same bytes.
  CHECK(folder.run({"bundle", "--out", folder.path("again.tar.gz")}).out.ends_with(own.id + "\n"));
  CHECK(AgentFolder::read(packed) == AgentFolder::read(folder.path("again.tar.gz")));

  const DataHome data(folder.path("data"));
  const std::string places = folder.path("data") + "/mlops-agent/bundles/";
  std::filesystem::create_directories(places);
  std::filesystem::copy_file(packed, places + own.architecture + ".tar.gz");
  CHECK(bundle_for(own.architecture, Cancellation()).id == own.id);
  std::filesystem::copy_file(packed, places + "riscv64.tar.gz");
  CHECK(refusal("riscv64") ==
        places + "riscv64.tar.gz is a bundle for " + own.architecture + ", not for riscv64");
}

TEST_CASE(
    "Where there is no bundle for an architecture, the message says how one is made and where it is put") {
  const AgentFolder folder;
  const DataHome data(folder.path("data"));
  const std::string place = folder.path("data") + "/mlops-agent/bundles/ppc64le.tar.gz";
  CHECK_THAT(refusal("ppc64le"), Catch::StartsWith("it is ppc64le, and this mlops-agent is for ") &&
                                     Contains("`mlops-agent bundle --out ppc64le.tar.gz`") &&
                                     Catch::EndsWith(place));
  std::filesystem::create_directories(folder.path("data") + "/mlops-agent/bundles");
  folder.write("data/mlops-agent/bundles/ppc64le.tar.gz", "no archive");
  CHECK_THAT(refusal("ppc64le"), Contains(place + " is no bundle of mlops-agent"));
  CHECK(refusal("../x") == "it does not tell its architecture");
}
