// What is bound to fail is not begun, and undo clears away what a failed download left.
#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>

#include "base/person.hpp"
#include "machine/this_host.hpp"
#include "support/http_server.hpp"
#include "support/playbook_site.hpp"
#include "support/temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
using namespace mlops;
using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::http_answer;
using mlops::test::http_cut;
using mlops::test::HttpServer;
using mlops::test::TemporaryFolder;

}  // namespace

TEST_CASE("a folder that cannot be renamed where it is to be is not made beside it") {
  const TemporaryFolder t;
  const std::string half = t / ".half", name(256, 'n');
  const Cancellation cancellation;
  ThisHost host({.person = current_person()}, cancellation, {});
  const std::vector<Action> actions{CreateDirectory{.path = half}, RenamePath{half, t / name}};
  const Step step{{}, actions};
  const auto errors = host.perform({effective_person().name}, {&step, 1});
  REQUIRE(errors.size() == 1);
  REQUIRE(errors[0]);
  CHECK(std::string(errors[0]->what()).ends_with("File name too long"));
  CHECK_FALSE(fs::exists(half));
}

TEST_CASE("a download that may not be given to its group is not fetched") {
  if (!mlops::test::is_root("acting as another")) return;
  const AgentFolder folder;
  ::chmod(folder.root().c_str(), 0755);
  const std::string open = folder.tree() + "/open";
  fs::create_directory(open);
  ::chmod(open.c_str(), 0777);
  std::atomic<int> fetched = 0;
  const HttpServer server([&](const auto& request) {
    if (request.method == "GET") ++fetched;
    return http_answer("200 OK", "hello");
  });
  const std::string playbook =
      folder.write("p.json", fmt::format(R"({{"resources": [{{"type": "download", "url": "{}",
        "path": "@/open/x", "group": "root", "as": "nobody"}}]}})",
                                         server.url("/x")));
  const Ended ended = folder.run({"apply", "--json", playbook});
  INFO(ended.out << ended.err);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.out, Catch::Contains("cannot give " + open + "/x to its owner: Operation not permitted"));
  CHECK(fetched == 0);
  CHECK(fs::is_empty(open));
}

TEST_CASE("undo clears away what a download that failed has got so far", "[long]") {
  const mlops::test::PlaybookSite site;
  const HttpServer server([](const auto&) { return http_cut("200 OK", std::string(1 << 16, 'x'), 1 << 15); });
  const Ended applied =
      site.apply(fmt::format(R"({{"resources": [{{"type": "file", "path": "@/f", "content": "x"}},
        {{"type": "download", "url": "{}", "path": "@/x"}}]}})",
                             server.url("/x"))
                     .c_str());
  INFO(applied.out << applied.err);
  CHECK(applied.status == 1);
  REQUIRE(site.there(".x.mlops-agent-part"));
  site.done(site.undo());
  CHECK(fs::is_empty(site.folder.tree()));
}
