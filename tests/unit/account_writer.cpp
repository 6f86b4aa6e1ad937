// shadow's programs for real, on a copy of /etc that only the test's child process sees.
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "base/cancellation.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "domains/accounts/local.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;

namespace {

// "" where all went well, or what did not.
std::string on_a_copy_of_etc(const std::function<std::string()>& work) {
  const test::TemporaryFolder folder;
  const std::string copy = folder.folder("etc"), said = folder / "said";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text = "no right to mount";
    const std::string command = "cp -a /etc/. " + copy;
    if (::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        std::system(command.c_str()) == 0 && ::mount(copy.c_str(), "/etc", nullptr, MS_BIND, nullptr) == 0)
      try {
        text = work();
      } catch (const Error& e) {
        text = std::string("error: ") + e.what() + " " + e.output();
      }
    std::ofstream(said) << text;
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return test::content_of(said);
}

std::string lines_of(const char* file, const std::string& name) {
  std::ifstream lines(file);
  std::string found;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + ":")) found += line + ";";
  return found;
}

const std::string ada = "mlops-test-ada";

}  // namespace

TEST_CASE(
    "a user comes back with the subordinate ids and memberships that it had, in a group that others kept "
    "alive") {
  if (!test::is_root("accounts")) return;
  const std::string said = on_a_copy_of_etc([] {
    std::ofstream("/etc/subuid", std::ios::app) << "";
    std::ofstream("/etc/subgid", std::ios::app) << "";
    const Cancellation cancellation;
    const LocalAccountWriter writer(ActingUser{"root", "/root", "/bin/sh", 0, 0}, cancellation);
    writer.perform(CreateGroup{"mlops-test-crew", 4720u});
    writer.perform(CreateGroup{ada, 4711u});
    writer.perform(CreateGroup{ada, 4712u, false, true});  // it is there
    writer.perform(CreateUser{ada,
                              4711u,
                              false,
                              ada,
                              "/home/a",
                              "/bin/sh",
                              "",
                              {"mlops-test-crew"},
                              std::vector<std::string>{"700000:65536", "900000:10"},
                              std::vector<std::string>{"700000:65536"}});
    std::string all = lines_of("/etc/subuid", ada) + " " + lines_of("/etc/subgid", ada) + "\n" +
                      lines_of("/etc/group", "mlops-test-crew") + " " + lines_of("/etc/group", ada) + "\n";
    // A group of the name that was there before the user stays.
    writer.perform(RemoveUser{ada, true});
    all += lines_of("/etc/passwd", ada) + lines_of("/etc/subuid", ada) +
           lines_of("/etc/group", "mlops-test-crew") + lines_of("/etc/group", ada) +
           lines_of("/etc/gshadow", ada) + "\n";
    // No ranges at all are asked for.
    writer.perform(CreateUser{ada,
                              4711u,
                              false,
                              ada,
                              "/home/a",
                              "/bin/sh",
                              "",
                              {},
                              std::vector<std::string>{},
                              std::vector<std::string>{}});
    all += lines_of("/etc/subuid", ada) + "\n";
    writer.perform(RemoveUser{ada});
    return all + lines_of("/etc/group", ada);
  });
  if (said == "no right to mount") {
    std::fprintf(stderr, "!!! NOT TESTED, needs the right to mount\n");
    return;
  }
  CHECK(said == ada + ":700000:65536;" + ada + ":900000:10; " + ada + ":700000:65536;\n" +
                    "mlops-test-crew:x:4720:" + ada + "; " + ada + ":x:4711:;\n" +  //
                    "mlops-test-crew:x:4720:;" + ada + ":x:4711:;" + ada + ":!::;\n" + "\n");
}
