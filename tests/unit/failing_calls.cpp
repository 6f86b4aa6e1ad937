// A system call that fails once, wherever it comes: reports stay true, and a sound state database stays.
#include "support/catch.hpp"
#include "support/failing_call.hpp"

namespace {

using namespace mlops::test;

// Two files and a command, applied.
struct Site {
  AgentFolder folder;
  std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "f", "path": "@/f", "content": "1"},
    {"type": "file", "id": "g", "path": "@/g", "content": "1"},
    {"type": "command", "id": "c", "argv": ["touch", "@/c"], "creates": "@/c"}]})");

  Site() { REQUIRE(folder.run({"apply", playbook}).status == 0); }
  std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder.tree()))
      all[entry.path()] = AgentFolder::read(entry.path());
    return all;
  }
  bool was_set_aside() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.state()))
      if (entry.path().filename().string().find("damaged-") != std::string::npos) return true;
    return false;
  }
};

enum class Doing { changing_again, pruning, undoing };

Words words_for(Doing doing, const Site& site) {
  switch (doing) {
    case Doing::changing_again:
      std::ofstream(site.folder.tree() + "/f") << "drifted";
      return {"apply", "--state", site.folder.state(), site.playbook};
    case Doing::pruning:
      site.folder.write("p.json",
                        R"({"resources": [{"type": "file", "id": "f", "path": "@/f", "content": "2"}]})");
      return {"apply", "--prune", "--state", site.folder.state(), site.playbook};
    case Doing::undoing:
      return {"undo", "--yes", "--state", site.folder.state()};
  }
  return {};
}

// Every step-th call, until there are no more.
void sweep(Doing doing, long number, int error, std::uint64_t step) {
  for (std::uint64_t turn = step;; turn += step) {
    const Site site;
    const Words words = words_for(doing, site);
    const auto before = site.content();
    const auto failed = run_failing(site.folder, words, {number, error, turn});
    if (!failed) {
      WARN("not tested: this kernel gives no say over system calls");
      return;
    }
    if (!failed->reached) return;
    const Ended& ended = failed->ended;
    INFO("call " << turn << " failed: " << ended.status << "\n" << ended.out << ended.err);
    CHECK(ended.status < 128);
    CHECK_FALSE(site.was_set_aside());
    if (site.content() == before) continue;
    CHECK(ended.status != 4);
    CHECK(ended.status != 3);
    CHECK((ended.out + ended.err).find("nothing was touched") == std::string::npos);
  }
}

}  // namespace

TEST_CASE("one read of a sound state database that fails sets nothing aside, and is reported as an error",
          "[long]") {
  sweep(GENERATE(Doing::changing_again, Doing::pruning, Doing::undoing), SYS_pread64, EIO, 5);
}

TEST_CASE("a state database that cannot be locked is not set aside", "[long]") {
  sweep(Doing::pruning, SYS_fcntl, ENOLCK, 13);
}

TEST_CASE("nothing was touched is said, with status 4, only where that is so, whichever file cannot be opened",
          "[long]") {
  sweep(GENERATE(Doing::changing_again, Doing::pruning), SYS_openat, EMFILE, 7);
}

TEST_CASE("nothing was touched is said, with status 4, only where that is so, whichever read fails", "[long]") {
  sweep(Doing::pruning, SYS_read, EIO, 7);
}

#ifndef __SANITIZE_ADDRESS__  // the sanitizer's own memory is mapped, too, and its end is a signal
TEST_CASE("memory that cannot be mapped is an error, and no end by a signal", "[long]") {
  // The first calls are the loader's, before the program begins.
  for (std::uint64_t turn = 25;; ++turn) {
    const Site site;
    const Words words = words_for(Doing::pruning, site);
    const auto failed = run_failing(site.folder, words, {SYS_mmap, ENOMEM, turn});
    if (!failed || !failed->reached) return;
    INFO("call " << turn << " failed\n" << failed->ended.out << failed->ended.err);
    CHECK(failed->ended.status < 128);
  }
}
#endif
