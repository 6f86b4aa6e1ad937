// Getting in: keys, agents, certificates, passwords, against a real sshd.
#include <sys/socket.h>
#include <sys/un.h>

#include <thread>

#include "base/error.hpp"
#include "ssh/connection.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

using namespace mlops;
using namespace mlops::test;

namespace {

// Answers questions from a list, and remembers them.
struct Person {
  std::vector<std::string> answers, questions;
  Ask ask() {
    return [this](const Question& q) -> std::optional<std::string> {
      questions.push_back(q.text);
      if (answers.empty()) return {};
      const std::string answer = answers.front();
      answers.erase(answers.begin());
      return answer;
    };
  }
};

// "" when we are let in, else why not.
std::string outcome(const std::string& config, const ConnectOptions& options = {}) {
  static const Cancellation never;
  try {
    const auto connection = connect_ssh(ssh_settings("box", config), options, never);
    return connection->run("true")->wait() == 0 ? "" : "true failed";
  } catch (const Error& e) {
    return e.what();
  }
}

std::string outcome(const std::string& config, Person& person) {
  ConnectOptions options;
  options.ask = person.ask();
  return outcome(config, options);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void authorise(const SshServer& server, const std::string& key) {
  server.folder().file("authorized_keys", content_of(key + ".pub"));
}

}  // namespace

TEST_CASE("keys of every usual type let in", "[ssh]") {
  const SshServer server;
  const std::string type = GENERATE("ed25519", "ecdsa", "rsa");
  const std::string key = make_key(server.folder(), "id", "", type);
  authorise(server, key);
  CHECK(outcome(server.config("IdentityFile " + key)) == "");
}

TEST_CASE("a key with a passphrase asks for it until it is right", "[ssh]") {
  const SshServer server;
  const std::string key = make_key(server.folder(), "id", "sesame");
  authorise(server, key);
  const std::string config = server.config("IdentityFile " + key);
  Person person{{"wrong", "sesame"}, {}};
  CHECK(outcome(config, person) == "");
  CHECK(person.questions == std::vector<std::string>(2, "Passphrase of " + key + ": "));
}

TEST_CASE("the passphrase of a key that the host does not take is not asked for", "[ssh]") {
  const SshServer server;
  const std::string key = make_key(server.folder(), "id", "sesame");
  Person person{{"sesame"}, {}};
  CHECK(outcome(server.config("IdentityFile " + key), person) == "");  // by the other key
  CHECK(person.questions.empty());
}

TEST_CASE("a locked key without anybody to ask is named", "[ssh]") {
  const SshServer server;
  const std::string key = make_key(server.folder(), "id", "sesame");
  authorise(server, key);
  const std::string said = outcome(server.config("IdentityFile " + key));
  CHECK(has(said, key + " (the key has a passphrase)"));
  CHECK(has(said, (server.folder() / "key") + " (refused)"));
  CHECK(has(said, "does not let " + server.user() + " in"));
  CHECK(has(said, "It takes: publickey"));
}

TEST_CASE("a private key that others may read is not used", "[ssh]") {
  const SshServer server;
  ::chmod((server.folder() / "key").c_str(), 0644);
  CHECK(has(outcome(server.config()), "not used: others may read it; chmod 600 " + (server.folder() / "key")));
}

TEST_CASE("an agent's key lets in, without its file", "[ssh]") {
  const SshServer server;
  const std::string key = make_key(server.folder(), "id");
  authorise(server, key);
  const KeyAgentProcess agent(server.folder(), {key});
  std::filesystem::remove(key);
  CHECK(outcome(server.config("IdentityAgent " + agent.path())) == "");
  std::filesystem::remove(key + ".pub");
  CHECK(outcome(server.config("IdentityAgent " + agent.path())) == "");
}

TEST_CASE("of many keys in the agent the one that the configuration names comes first", "[ssh]") {
  const SshServer server("MaxAuthTries 2");
  std::vector<std::string> keys;
  for (const char* name : {"one", "two", "three", "four"}) keys.push_back(make_key(server.folder(), name));
  authorise(server, keys[3]);
  const KeyAgentProcess agent(server.folder(), keys);
  const std::string with_agent = "IdentityAgent " + agent.path() + "\n";
  CHECK(outcome(server.config(with_agent + "IdentityFile " + keys[3])) == "");
  const std::string said = outcome(server.config(with_agent + "IdentityFile " + keys[0]));
  INFO(said);
  CHECK(has(said, "Too many authentication failures"));
  CHECK(has(said, keys[0] + " (by the agent) (offered)"));
  CHECK(has(said, "the agent's key ED25519 SHA256:"));
}

TEST_CASE("with IdentitiesOnly the agent's other keys are not offered", "[ssh]") {
  const SshServer server;
  const std::string mine = make_key(server.folder(), "mine"), other = make_key(server.folder(), "other");
  authorise(server, other);
  const KeyAgentProcess agent(server.folder(), {other, mine});
  const std::string config = "IdentityAgent " + agent.path() + "\nIdentityFile " + mine + "\n";
  CHECK(outcome(server.config(config)) == "");
  const std::string said = outcome(server.config(config + "IdentitiesOnly yes\n"));
  CHECK(has(said, mine + " (by the agent) (refused)"));
  CHECK_FALSE(has(said, "the agent's key"));
}

TEST_CASE("a certificate lets in, with its key in a file or with the agent", "[ssh][long]") {
  const SshServer server;
  const std::string type = GENERATE("ed25519", "ecdsa", "rsa");
  const std::string authority = make_key(server.folder(), "ca"),
                    key = make_key(server.folder(), "id", "", type);
  must_run({"ssh-keygen", "-q", "-s", authority, "-I", "test", "-n", server.user(), key + ".pub"});
  server.folder().file("authorized_keys", "cert-authority " + content_of(authority + ".pub"));
  const std::string only = "IdentitiesOnly yes\nIdentityFile " + key + "\n";

  SECTION("beside its key") { CHECK(outcome(server.config(only)) == ""); }
  SECTION("named, with the key's file") {
    std::filesystem::rename(key + "-cert.pub", server.folder() / "elsewhere");
    CHECK(outcome(server.config(only + "CertificateFile " + (server.folder() / "elsewhere"))) == "");
  }
  SECTION("named, with the key in the agent") {
    std::filesystem::rename(key + "-cert.pub", server.folder() / "elsewhere");
    const KeyAgentProcess agent(server.folder(), {key});
    std::filesystem::remove(key);
    CHECK(outcome(server.config(only + "IdentityAgent " + agent.path() + "\nCertificateFile " +
                                (server.folder() / "elsewhere"))) == "");
  }
  SECTION("in the agent") {
    const KeyAgentProcess agent(server.folder(), {key});
    CHECK(outcome(server.config("IdentityAgent " + agent.path())) == "");
  }
  SECTION("without its key") {
    std::filesystem::rename(key + "-cert.pub", server.folder() / "elsewhere");
    CHECK(has(outcome(server.config("CertificateFile " + (server.folder() / "elsewhere"))),
              "its private key is neither with the agent nor in an IdentityFile"));
  }
}

TEST_CASE("a password lets in, asked for again when it was wrong", "[ssh]") {
  if (!is_root("a password lets in")) return;
  const SshServer server("PasswordAuthentication yes\nKbdInteractiveAuthentication no",
                         Accounts::with_password);
  const std::string config = server.config("User person\nPubkeyAuthentication no\nNumberOfPasswordPrompts 2");
  Person person{{"wrong", "correct horse"}, {}};
  CHECK(outcome(config, person) == "");
  CHECK(person.questions == std::vector<std::string>(2, "Password of person@127.0.0.1: "));
  Person forgetful{{"a", "b", "c", "d"}, {}};
  const std::string said = outcome(config, forgetful);
  CHECK(has(said, "password (refused), password (refused)"));
  CHECK(forgetful.questions.size() == 2);
  CHECK(has(outcome(config), "password (nobody to ask)"));
}

TEST_CASE("keyboard-interactive lets in, with the host's own questions", "[ssh]") {
  if (!is_root("keyboard-interactive lets in")) return;
  const SshServer server("UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes",
                         Accounts::with_password);
  const std::string config = server.config("User person\nPubkeyAuthentication no");
  Person person{{"wrong", "correct horse"}, {}};
  CHECK(outcome(config, person) == "");
  REQUIRE(person.questions.size() == 2);
  CHECK(has(person.questions[0], "Password: "));
  CHECK(has(outcome(config), "keyboard-interactive (nobody to ask)"));
  Person batch{{"correct horse"}, {}};
  CHECK(has(outcome(server.config("User person\nPubkeyAuthentication no\nBatchMode yes"), batch),
            "nobody to ask"));
  CHECK(batch.questions.empty());
}

TEST_CASE("a host that requires a key and a password gets both", "[ssh]") {
  if (!is_root("a key and a password")) return;
  const SshServer server("AuthenticationMethods publickey,password\nPasswordAuthentication yes",
                         Accounts::with_password);
  const std::string config = server.config("User person");
  Person person{{"correct horse"}, {}};
  CHECK(outcome(config, person) == "");
  CHECK(has(outcome(config), "accepted, but more is asked for"));
}

TEST_CASE("the host's banner is reported when it refuses the login, on one line", "[ssh]") {
  const TemporaryFolder folder;
  const SshServer server("Banner " + folder.file("banner", "Members only.\nCall \033[31m555\033[0m.\n"));
  server.folder().file("authorized_keys", "");
  CHECK(outcome(server.config()).ends_with("It says: Members only. Call  [31m555 [0m."));
}

TEST_CASE("an agent that hangs costs little, and cancelling ends the wait", "[ssh]") {
  const SshServer server;
  // Listens, and never answers.
  const std::string path = server.folder() / "agent";
  const Handle listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  Cancellation cancellation;
  const auto settings = ssh_settings("box", server.config("IdentityAgent " + path));
  std::thread later([&] {
    const Handle connected(::accept(listener.get(), nullptr, nullptr));
    cancellation.cancel();
  });
  CHECK_THROWS_WITH(connect_ssh(settings, {}, cancellation), "interrupted");
  later.join();
}

TEST_CASE("a key that the agent does not sign with does not stand in the way of the next", "[ssh]") {
  const SshServer server;
  const std::string locked = make_key(server.folder(), "locked"), good = make_key(server.folder(), "good");
  server.folder().file("authorized_keys", content_of(locked + ".pub") + content_of(good + ".pub"));
  // Asks for a confirmation that nobody gives: there is no terminal and no display.
  const KeyAgentProcess agent(server.folder(), {});
  must_run({"env", "SSH_AUTH_SOCK=" + agent.path(), "ssh-add", "-q", "-c", locked});
  std::filesystem::remove(server.folder() / "key");
#ifdef __SANITIZE_ADDRESS__
  const __lsan::ScopedDisabler libssh_loses_the_first_list_of_an_agent_when_it_asks_again;
#endif
  const std::string config = server.config("IdentityAgent " + agent.path());
  CHECK(has(outcome(config), "\"locked\" (it did not sign)"));
  must_run({"env", "SSH_AUTH_SOCK=" + agent.path(), "ssh-add", "-q", good});
  CHECK(outcome(config) == "");
}
