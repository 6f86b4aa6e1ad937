// The program as it is started by those who close its streams.
#include <cstdlib>
#include <fstream>

#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops::test;

TEST_CASE("apply works whichever of stdin, stdout and stderr are closed") {
  const AgentFolder turn;  // root's lock is the whole machine's
  const TemporaryFolder t;
  std::ofstream(t / "p.json") << R"({"resources": [{"type": "file", "path": ")" << t / "f"
                              << R"(", "content": "x"}]})";
  for (const std::string closed : {"<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"}) {
    INFO(closed);
    std::filesystem::remove(t / "f");
    const std::string command = "XDG_CACHE_HOME=" + (t / "cache") + " " AGENT " apply " + (t / "p.json") +
                                " >" + (t / "out") + " 2>&1 " + closed;
    CHECK(std::system(command.c_str()) == 0);
    CHECK(content_of(t / "f") == "x");
  }
}
