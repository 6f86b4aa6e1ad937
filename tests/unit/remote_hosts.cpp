// Hosts of every kind under a run: the real program at both ends of a real sshd. How it gets there in the first
// place: remote_agent.cpp; keys of hosts and persons one by one: host_trust.cpp, ssh_authentication.cpp.
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops::test;
using Catch::Contains;

namespace {

std::string one_file(const AgentFolder& folder) {
  return folder.write("p.json",
                      R"({"resources": [{"type": "file", "id": "f", "path": "@/f", "content": "x"}]})");
}

Ended run(const AgentFolder& folder, const std::string& command, const std::string& config, Words more = {}) {
  Words words{command, "--json", one_file(folder), "--host", "box", "--ssh-config", config};
  words.insert(words.end(), more.begin(), more.end());
  return folder.run(words);
}

void applies(const SshServer& server) {
  const AgentFolder folder;
  const Ended applied = run(folder, "apply", server.config());
  INFO(applied.out << applied.err);
  CHECK(applied.status == 0);
  CHECK(applied.err == "");
  CHECK(AgentFolder::read(folder.tree() + "/f") == "x");
  CHECK(run(folder, "plan", server.config()).status == 0);
}

}  // namespace

TEST_CASE("A login shell may be any, and may greet", "[long]") {
  if (!is_root("login shells over ssh")) return;
  const TemporaryFolder folder;
  const std::string greeting = folder.file(
      "greeting", "#!/bin/sh\necho 'Welcome to the box!'; echo 'a warning' >&2; exec /bin/sh \"$@\"\n", 0755);
  for (const std::string& shell :
       {greeting, std::string("/usr/bin/fish"), std::string("/usr/bin/tcsh"), std::string("/usr/bin/zsh")}) {
    INFO(shell);
    if (!is_there(shell)) {
      std::fprintf(stderr, "!!! NOT TESTED, is not installed: %s\n", shell.c_str());
      continue;
    }
    applies(SshServer("Banner " + greeting, Accounts::own, shell));
  }
}

TEST_CASE("A host that allows one session a connection is enough for a run") {
  applies(SshServer("MaxSessions 1"));
}

TEST_CASE("A host that cannot be reached is reported with the reason and a remedy, and nothing is touched",
          "[long]") {
  const SshServer server;
  const AgentFolder folder;
  std::string config = server.config(), said, again;
  SECTION("its key changed") {
    server.folder().file("known_hosts", "[127.0.0.1]:" + std::to_string(server.port()) + " " +
                                            content_of(make_key(server.folder(), "another") + ".pub"));
    said = "has changed: it shows ED25519 SHA256:";
    again = "has changed";
  }
  SECTION("its key is new") {
    server.know({});
    said = "is not known: ED25519 SHA256:";
  }
  SECTION("our key is none of its own") {
    config = server.config("IdentitiesOnly yes\nIdentityFile " + make_key(server.folder(), "another") + "\n");
    server.folder().file("authorized_keys", "");
    said = "127.0.0.1 does not let " + server.user() + " in. Tried: ";
    again = said;
  }
  SECTION("there is no such host") {
    config = server.config("Host box\n  HostName box.invalid\n");
    said = "cannot reach box.invalid port " + std::to_string(server.port()) + ": ";
    again = said;
  }
  for (const char* command : {"plan", "apply"}) {
    const Ended ended = run(folder, command, config);
    CHECK(ended.status == 4);
    CHECK_THAT(ended.err, Catch::StartsWith("box: ") && Contains(said));
    CHECK(ended.lines().back().at("event") == "summary");
    CHECK(ended.lines().back().at("hosts")[0].at("error").get<std::string>() + "\n" == ended.err.substr(5));
  }
  CHECK(folder.picture().empty());
  // Taking new keys is for new keys.
  const Ended accepting = run(folder, "apply", config, {"--accept-new-host-keys"});
  CHECK(accepting.status == (again.empty() ? 0 : 4));
  CHECK_THAT(accepting.err, Contains(again));
  if (again.empty()) CHECK(run(folder, "plan", config).status == 0);
}
