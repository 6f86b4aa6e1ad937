#include <sys/stat.h>

#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::string file = "/home/ubuntu/.ssh/known_hosts";
const std::string
    ed1 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    ed2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ecdsa =
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7"
        "opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";

FakeMachine with_file(const std::string& text) {
  FakeMachine machine;
  machine.f.folder("/home/ubuntu", 0755, "ubuntu");
  machine.f.folder("/home/ubuntu/.ssh", 0700, "ubuntu");
  machine.f.file(file, text, 0600, "ubuntu");
  return machine;
}

std::string present(const std::string& more = "", const std::string& keys = "\"" + ed1 + "\"") {
  return R"({"name": "github.com", "keys": [)" + keys + "]" + more + "}";
}

// The file's text after applying; "(unchanged)" or the error.
std::string after(const std::string& text, const std::string& parameters) {
  try {
    const Tried t = try_module("known_host", parameters, with_file(text));
    if (t.diff.empty()) return "(unchanged)";
    const auto* write = action<WriteFile>(t.diff, 0);
    if (!write) return "(no file is written)";
    CHECK(t.diff.actions.size() == 1);
    CHECK_FALSE(write->mode);
    CHECK(try_module("known_host", parameters, with_file(write->content)).diff.empty());
    return write->content;
  } catch (const std::exception& e) {
    return e.what();
  }
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("known_host: its lines are added, replaced and kept") {
  const std::string other = "# mine\nexample.org " + ed2 + "\n", line = "github.com " + ed1 + "\n",
                    wrong = "github.com " + ed2 + "\n", both = "\"" + ed1 + "\", \"" + ecdsa + " a comment\"";
  CHECK(after("", present()) == line);
  CHECK(after(other, present()) == other + line);
  CHECK(after("example.org " + ed2, present()) == "example.org " + ed2 + "\n" + line);
  CHECK(after(line, present()) == "(unchanged)");
  CHECK(after("github.com,192.0.2.1 " + ed1 + "\n", present()) == "(unchanged)");
  CHECK(after(wrong + other, present()) == line + other);
  CHECK(after("GitHub.com " + ed2 + "\n", present()) == line);
  CHECK(after(line, present("", both)) == line + "github.com " + ecdsa + "\n");
  CHECK(after("", present("", both)) == line + "github.com " + ecdsa + "\n");
  // A wrong key goes, also where the right one stands too; ssh takes either.
  CHECK(after(line + wrong + other, present()) == line + other);
  CHECK(after(wrong + wrong + other, present()) == line + other);
  const std::string two = "\"" + ed1 + "\", \"" + ed2 + "\"";
  CHECK(after("", present("", two)) == line + wrong);
  CHECK(after(wrong, present("", two)) == wrong + line);
  CHECK(after(line + wrong, present("", two)) == "(unchanged)");
  CHECK(after("@cert-authority github.com " + ed2 + "\n", present()) ==
        "@cert-authority github.com " + ed2 + "\n" + line);
  CHECK(after("@revoked github.com " + ed2 + "\n", present()) == "@revoked github.com " + ed2 + "\n" + line);
  CHECK(after(wrong, present(R"(, "port": 2222)")) == wrong + "[github.com]:2222 " + ed1 + "\n");
  CHECK(after("", present(R"(, "port": 2222)")) == "[github.com]:2222 " + ed1 + "\n");
}

TEST_CASE("known_host: another key that cannot be told apart from what is of others is left, and said") {
  const std::string shared = after("x\ngithub.com,example.org " + ed2 + "\n", present());
  CHECK(has(shared, file + ":2 has another ssh-ed25519 key for github.com"));
  CHECK(has(shared, "ssh-keygen -R 'github.com' -f " + file));
  CHECK(has(after("@revoked github.com " + ed1 + "\n", present()), file + ":1 revokes this very key"));
}

TEST_CASE("known_host: absent takes away the lines of this host alone") {
  const std::string gone = R"({"name": "github.com", "state": "absent"})",
                    shared = "github.com,a " + ed1 + "\n";
  CHECK(after("", gone) == "(unchanged)");
  CHECK(after("github.com " + ed1 + "\na " + ed2 + "\ngithub.com " + ecdsa + "\n", gone) == "a " + ed2 + "\n");
  CHECK(after(shared, gone) == "(unchanged)");
  CHECK(after("[github.com]:2222 " + ed1 + "\n", gone) == "(unchanged)");
  CHECK(after("@revoked github.com " + ed1 + "\n", gone) == "(unchanged)");
}

TEST_CASE("known_host: a change shows the fingerprints") {
  const Tried t = try_module("known_host", present(), with_file("github.com " + ed2 + "\n"));
  REQUIRE(t.diff.changes.size() == 1);
  CHECK(t.diff.changes[0].property == "ssh-ed25519");
  CHECK(t.diff.changes[0].after ==
        Value("SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"));  // GitHub's own page
  CHECK(t.diff.changes[0].before.as_string().starts_with("SHA256:"));
}

TEST_CASE("known_host: the file and its folder are made for ssh") {
  FakeMachine machine;
  machine.f.folder("/home/ubuntu", 0755, "ubuntu");
  const Tried t = try_module("known_host", present(), machine);
  const auto* folder = action<CreateDirectory>(t.diff, 0);
  const auto* write = action<WriteFile>(t.diff, 1);
  REQUIRE(folder);
  REQUIRE(write);
  CHECK(folder->mode == 0700);
  CHECK(write->mode == 0600);
  CHECK(write->owner == "ubuntu");
}

TEST_CASE("known_host: mistakes are told at their parameter") {
  CHECK(has(after("", R"({"name": "github.com"})"), "keys is empty"));
  CHECK(has(after("", present("", "\"ssh-rsa AAAA\"")), "this is no public key"));
  CHECK(has(after("", present("", "\"" + ed1 + "\\nevil.example.org " + ed2 + "\"")), "this is no public key"));
  CHECK(has(after("", R"({"name": "a b", "state": "absent"})"), "no name or address of one host"));
  CHECK(has(after("", R"({"name": "a,b", "state": "absent"})"), "no name or address of one host"));
  CHECK(has(after("", R"({"name": "*", "state": "absent"})"), "no name or address of one host"));
  CHECK(has(after("", R"({"name": "a", "port": 70000, "state": "absent"})"), "is no port"));
}

TEST_CASE("known_host: ssh-keygen finds what was made, and a hashed name counts", "[agent]") {
  const AgentFolder folder;
  const std::string made = folder.tree() + "/known_hosts";
  const std::string playbook = folder.write(
      "p.json",
      R"({"resources": [{"type": "known_host", "id": "a", "name": "github.com", "file": "@/known_hosts",
    "keys": [")" +
          ed1 + "\"]}]}");
  CHECK(folder.run({"apply", playbook}).status == 0);
  struct stat s {};
  REQUIRE(::stat(made.c_str(), &s) == 0);
  CHECK((s.st_mode & 07777) == 0600);
  CHECK(std::system(("ssh-keygen -q -F github.com -f " + made + " >/dev/null").c_str()) == 0);
  REQUIRE(std::system(("ssh-keygen -q -H -f " + made + " >/dev/null 2>&1").c_str()) == 0);
  CHECK_FALSE(has(AgentFolder::read(made), "github.com"));
  CHECK(folder.run({"plan", playbook}).status == 0);
  folder.write(
      "p.json",
      R"({"resources": [{"type": "known_host", "id": "a", "name": "github.com", "file": "@/known_hosts",
    "state": "absent"}]})");
  CHECK(folder.run({"apply", playbook}).status == 0);
  CHECK(AgentFolder::read(made).empty());
}
