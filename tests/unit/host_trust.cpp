// The decision whether to talk to a host, with real files and a real sshd.
#include "ssh/host_trust.hpp"

#include <algorithm>
#include <thread>

#include "base/error.hpp"
#include "ssh/connection.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct Outcome {
  std::string refused;  // "": connected
  std::vector<std::string> warnings;
};

Outcome connect(const std::string& config, bool accept_new = false) {
  static const Cancellation never;
  Outcome outcome;
  ConnectOptions options;
  options.accept_new_host_keys = accept_new;
  options.warn = [&](const std::string& line) { outcome.warnings.push_back(line); };
  try {
    connect_ssh(ssh_settings("box", config), options, never);
  } catch (const Error& e) {
    outcome.refused = e.what();
  }
  return outcome;
}

std::string known_hosts(const SshServer& server) { return content_of(server.folder() / "known_hosts"); }

// known_hosts with another key of the host, of this type.
void know_another(const SshServer& server, const std::string& type = "ed25519") {
  const std::string key = make_key(server.folder(), "another", "", type);
  server.folder().file("known_hosts",
                       "# mine\n[127.0.0.1]:" + std::to_string(server.port()) + " " + content_of(key + ".pub"),
                       0600);
}

}  // namespace

TEST_CASE("a new key is written down when asked to, and known from then on", "[ssh]") {
  const SshServer server;
  const std::string file = server.folder() / "new/known_hosts";
  const std::string to_new = "UserKnownHostsFile " + file + "\n";
  bool flag = false;
  std::string config;
  SECTION("by --accept-new-host-keys") { flag = true; }
  SECTION("by the flag, though the configuration says yes") {
    flag = true;
    config = "StrictHostKeyChecking yes\n";
  }
  SECTION("by accept-new in the configuration") { config = "StrictHostKeyChecking accept-new\n"; }
  const Outcome first = connect(server.config(to_new + config), flag);
  CHECK(first.refused == "");
  CHECK(first.warnings.empty());
  CHECK(content_of(file).starts_with("[127.0.0.1]:" + std::to_string(server.port()) + " ssh-ed25519 "));
  CHECK(mode_of(file) == 0600);
  CHECK(mode_of(server.folder() / "new") == 0700);
  const std::string written = content_of(file);
  CHECK(connect(server.config(to_new + "StrictHostKeyChecking yes\n")).refused == "");
  CHECK(content_of(file) == written);
}

TEST_CASE("a new key is refused by default, and nothing is written", "[ssh]") {
  const SshServer server;
  server.know({});
  const std::string config = GENERATE("", "StrictHostKeyChecking ask\n", "StrictHostKeyChecking yes\n");
  CHECK(has(connect(server.config(config)).refused, "is not known: ED25519 SHA256:"));
  CHECK(known_hosts(server) == "");
}

TEST_CASE("names are hashed when the configuration says so", "[ssh]") {
  const SshServer server;
  server.know({});
  CHECK(connect(server.config("HashKnownHosts yes\n"), true).refused == "");
  CHECK(known_hosts(server).starts_with("|1|"));
  CHECK(connect(server.config()).refused == "");
}

TEST_CASE("a new key that was accepted and cannot be kept is warned of", "[ssh]") {
  const SshServer server;
  const Outcome outcome = connect(server.config("UserKnownHostsFile /proc/none/known_hosts"), true);
  CHECK(outcome.refused == "");
  REQUIRE(outcome.warnings.size() == 1);
  CHECK(has(outcome.warnings[0], "could not be kept: making /proc/none: "));
}

TEST_CASE("an entry gets a line of its own", "[ssh]") {
  const SshServer server;
  server.folder().file("known_hosts", "elsewhere " + server.host_key("rsa").substr(0, 30));
  CHECK(connect(server.config(), true).refused == "");
  CHECK(has(known_hosts(server), "\n[127.0.0.1]:"));
}

TEST_CASE("a changed key is refused whatever the configuration says, with the place of the old one", "[ssh]") {
  const SshServer server;
  know_another(server);
  const std::string before = known_hosts(server);
  const std::string config = GENERATE("", "StrictHostKeyChecking ask\n", "StrictHostKeyChecking yes\n",
                                      "StrictHostKeyChecking no\n", "StrictHostKeyChecking accept-new\n");
  const bool flag = GENERATE(false, true);
  const std::string said = connect(server.config(config), flag).refused;
  CHECK(has(said, "has changed: it shows ED25519 SHA256:"));
  CHECK(has(said, (server.folder() / "known_hosts") + ":2 has another ED25519"));
  CHECK(has(said, "ssh-keygen -f " + (server.folder() / "known_hosts") +
                      " -R '[127.0.0.1]:" + std::to_string(server.port()) + "'"));
  CHECK(known_hosts(server) == before);
}

TEST_CASE("StrictHostKeyChecking no takes a new key with a warning a run", "[ssh]") {
  const SshServer server;
  const std::string config = server.config("StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n");
  for (int run = 0; run < 2; ++run) {
    const Outcome outcome = connect(config);
    CHECK(outcome.refused == "");
    REQUIRE(outcome.warnings.size() == 1);
    CHECK(has(outcome.warnings[0], "StrictHostKeyChecking no"));
    CHECK(has(outcome.warnings[0], "SHA256:"));
  }
}

TEST_CASE("a revoked key is refused", "[ssh]") {
  const SshServer server;
  const std::string host = "[127.0.0.1]:" + std::to_string(server.port()) + " ",
                    key = server.host_key("ed25519");
  SECTION("in known_hosts") {
    server.folder().file("known_hosts", host + key + "@revoked * " + key);
    CHECK(has(connect(server.config("HostKeyAlgorithms ssh-ed25519\nStrictHostKeyChecking no\n"), true).refused,
              "is revoked: ED25519"));
  }
  SECTION("in a list of its own") {
    server.folder().file("revoked", key);
    CHECK(has(connect(server.config("RevokedHostKeys " + (server.folder() / "revoked"))).refused,
              "is revoked: ED25519"));
  }
  SECTION("in a list that is not there or cannot be read") {
    CHECK(has(connect(server.config("RevokedHostKeys /nowhere/list")).refused, "there is no such file"));
    must_run({"ssh-keygen", "-q", "-k", "-f", server.folder() / "krl", server.folder() / "host_rsa.pub"});
    CHECK(has(connect(server.config("RevokedHostKeys " + (server.folder() / "krl"))).refused, "KRL"));
  }
}

TEST_CASE("a host is asked for a key of the type that is known", "[ssh]") {
  const SshServer server;
  const std::string type = GENERATE("ed25519", "ecdsa", "rsa");
  server.know({type});
  CHECK(connect(server.config("StrictHostKeyChecking yes\n")).refused == "");
}

TEST_CASE("a host that has no key of the known type any more has changed", "[ssh]") {
  const TemporaryFolder keys;
  const std::string key = make_key(keys, "host");
  const SshServer server("HostKey " + key);
  server.know({"ecdsa"});
  const std::string said = connect(server.config("StrictHostKeyChecking no\n"), true).refused;
  CHECK(has(said, "has only its ECDSA"));
}

TEST_CASE("known_hosts that cannot be read is an error: it might revoke", "[ssh]") {
  const SshServer server;
  CHECK(
      has(connect(server.config("GlobalKnownHostsFile " + (server.folder() / ""))).refused, "Is a directory"));
}

TEST_CASE("the check of the loopback is left out when the configuration says so", "[ssh]") {
  const SshServer server;
  know_another(server);
  CHECK(connect(server.config("NoHostAuthenticationForLocalhost yes\n")).refused == "");
}

TEST_CASE("many hosts may be written down at once", "[ssh]") {
  const TemporaryFolder folder;
  const std::string file = folder / "known_hosts";
  constexpr int hosts = 40;
  const HostKey key{"ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2 * hosts; ++i)
    threads.emplace_back([&, i] {
      SshSettings s;
      s.host = "host" + std::to_string(i % hosts);
      s.user_known_hosts = {file};
      HostTrust(s).check(key, true, {});
    });
  for (std::thread& t : threads) t.join();
  std::string text = content_of(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == hosts);
  for (int i = 0; i < hosts; ++i)
    CHECK(judge_host_key(key, "host" + std::to_string(i), {{file, text}}).what ==
          HostKeyJudgement::Case::known);
}
