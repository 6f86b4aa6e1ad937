#include "domains/packages/apt_history.hpp"

#include "support/catch.hpp"

using namespace mlops;

namespace {

const char* const ended =
    "\nStart-Date: 2026-11-23  22:07:01\nCommandline: apt-get install -y jq\n"
    "Install: jq:amd64 (1.6-2.1), libjq1:amd64 (1.6-2.1, automatic)\nEnd-Date: 2026-11-23  22:07:03\n";
const char* const killed =
    "\nStart-Date: 2026-11-23  22:43:05\nCommandline: apt-get -y install docker.io git\n"
    "Requested-By: ubuntu (1000)\n"
    "Install: docker.io:amd64 (20.10.24+dfsg1), xz-utils:amd64 (5.4.1-1, automatic), git:amd64 (1:2.39.5-0)\n";

}  // namespace

TEST_CASE("a transaction without an end shows what it meant to install and what came along") {
  const UnfinishedInstall found = parse_unfinished(std::string(ended) + killed);
  CHECK(found.packages == std::vector<std::string>{"docker.io:amd64", "xz-utils:amd64", "git:amd64"});
  CHECK(found.automatic == std::vector<std::string>{"xz-utils:amd64"});
}

TEST_CASE("a transaction that ended is not unfinished, whatever came before it") {
  CHECK(parse_unfinished(std::string(killed) + ended) == UnfinishedInstall{});
  CHECK(parse_unfinished(ended) == UnfinishedInstall{});
}

TEST_CASE("an empty, a missing and a cut history are nothing unfinished") {
  CHECK(parse_unfinished("") == UnfinishedInstall{});
  CHECK(read_unfinished("/nonexistent/history.log") == UnfinishedInstall{});
  CHECK(parse_unfinished("Start-Date: 2026-11-23  22:43:05\nInstall: docker.io:amd64 (20.1") ==
        UnfinishedInstall{});
  CHECK(parse_unfinished("Start-Date: 2026-11-23  22:43:05\nRemove: git:amd64 (1:2.39.5)\n") ==
        UnfinishedInstall{});
}
