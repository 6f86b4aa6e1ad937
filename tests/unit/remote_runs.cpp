// Runs on another host: the real program at both ends of a real sshd.
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "base/frame.hpp"
#include "hosts/frame_link.hpp"
#include "hosts/protocol.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops::test;

namespace {

// The command line that runs on the server as the host `box`.
Words on_box(const SshServer& server, Words words, const std::string& more = "") {
  words.insert(words.end(), {"--host", "box", "--ssh-config", server.config(more)});
  return words;
}

std::map<std::string, std::string> outcomes(const Ended& ended) {
  std::map<std::string, std::string> all;
  for (const Json& line : ended.lines())
    if (line.at("event") == "resource")
      all[line.at("host").get<std::string>() + " " + line.at("label").get<std::string>()] = line.at("outcome");
  return all;
}
using Outcomes = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("Over ssh: the plan lists, the first apply changes, the second changes nothing") {
  const SshServer server;
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "directory", "id": "d", "path": "@/d"},
    {"type": "file", "id": "f", "path": "@/d/f", "content": "one\n", "mode": "0600"}]})");
  const Ended planned = folder.run(on_box(server, {"plan", "--json", playbook}));
  CHECK(planned.err == "");
  CHECK(planned.status == 2);
  CHECK(outcomes(planned) == Outcomes{{"box directory[d]", "would_change"}, {"box file[f]", "would_change"}});
  CHECK(folder.picture().empty());
  const Ended applied = folder.run(on_box(server, {"apply", "--json", playbook}));
  CHECK(applied.status == 0);
  CHECK(outcomes(applied) == Outcomes{{"box directory[d]", "changed"}, {"box file[f]", "changed"}});
  CHECK(AgentFolder::read(folder.tree() + "/d/f") == "one\n");
  const auto before = folder.picture();
  const Ended again = folder.run(on_box(server, {"apply", "--json", playbook}));
  CHECK(again.status == 0);
  CHECK(outcomes(again) == Outcomes{{"box directory[d]", "ok"}, {"box file[f]", "ok"}});
  CHECK(folder.picture() == before);
}

TEST_CASE("Values cross plays: a later play here uses what one on the host gave, and lists its hosts",
          "[long]") {
  const SshServer server;
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({
    "show": ["at {{resources.there.path}}"],
    "plays": [
      {"name": "there", "resources": [{"type": "file", "id": "there", "path": "@/there", "content": "x"}]},
      {"name": "here", "on": "local", "when": {"hosts": {"exists": true}}, "resources": [
        {"type": "file", "path": "@/here", "content": "{{resources.there.path}} {{hosts.box.address}}"},
        {"type": "file", "path": "@/{{item.key}}", "for_each": "{{hosts}}",
         "content": "{{item.value.port}} {{item.value.facts.kernel.name | default('?')}} {{item.value.resources.there.path}}"}]}]})");
  // The host and here are one machine: they cannot both act in one run.
  CHECK(folder.run(on_box(server, {"apply", playbook, "--only", "there"})).status == 0);
  const Ended applied = folder.run(on_box(server, {"apply", playbook}));
  INFO(applied.out << applied.err);
  CHECK(applied.status == 0);
  CHECK(AgentFolder::read(folder.tree() + "/here") == folder.tree() + "/there 127.0.0.1");
  CHECK(AgentFolder::read(folder.tree() + "/box").ends_with(" " + folder.tree() + "/there"));
  CHECK(AgentFolder::read(folder.tree() + "/box").starts_with(std::to_string(server.port()) + " "));
  CHECK(applied.out.find("at " + folder.tree() + "/there\n") != std::string::npos);
  const Ended alone = folder.run({"plan", playbook});
  CHECK(alone.status == 0);
  CHECK(alone.out.find("no other machine takes part (--host names one)") != std::string::npos);
}

TEST_CASE("What refers to a host that could not begin is skipped, and nothing is done in its place") {
  const SshServer server;
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"plays": [
      {"resources": [{"type": "file", "id": "there", "path": "@/there", "content": "x"}]},
      {"on": "local", "resources": [
        {"type": "file", "id": "other", "path": "@/other", "content": "x"},
        {"type": "file", "id": "here", "path": "@/here", "content": "{{resources.there.path}}"}]}]})");
  const std::string config =
      server.config("Host gone\n  HostName 127.0.0.1\n  Port " + std::to_string(free_port()) + "\n");
  const Ended gone = folder.run({"apply", "--json", playbook, "--host", "gone", "--ssh-config", config});
  INFO(gone.out << gone.err);
  CHECK(gone.status == 1);  // not 4: something was changed here
  CHECK(gone.err.find("gone: ") != std::string::npos);
  CHECK(std::filesystem::exists(folder.tree() + "/other"));
  CHECK_FALSE(std::filesystem::exists(folder.tree() + "/there"));
  CHECK_FALSE(std::filesystem::exists(folder.tree() + "/here"));
  // One machine, and so one lock: whoever comes second, of the host and here, cannot begin. Where the host came
  // first it has made its file, and something was changed; here nothing was left to do.
  const Ended locked = folder.run(on_box(server, {"apply", "--json", playbook}));
  INFO(locked.out << locked.err);
  CHECK(locked.status == (std::filesystem::exists(folder.tree() + "/there") ? 1 : 4));
  CHECK(locked.err.find("another run is active") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.tree() + "/here"));
}

TEST_CASE("What was not learned of a host that could not begin is no mistake of the playbook") {
  const SshServer server;
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"plays": [
      {"resources": [{"type": "file", "id": "there", "path": "@/there", "content": "x"}]},
      {"on": "local", "resources": [
        {"type": "file", "id": "facts", "path": "@/facts", "content": "{{hosts.gone.facts.os.id}}"},
        {"type": "file", "id": "each", "path": "@/{{item.key}}", "for_each": "{{hosts}}",
         "content": "{{item.value.facts.os.id}}"},
        {"type": "file", "id": "name", "path": "@/name", "content": "{{hosts.gone.name}}"}]}]})");
  const std::string config =
      server.config("Host gone\n  HostName 127.0.0.1\n  Port " + std::to_string(free_port()) + "\n");
  const Ended gone = folder.run({"apply", "--json", playbook, "--host", "gone", "--ssh-config", config});
  INFO(gone.out << gone.err);
  CHECK(gone.status == 1);  // something was changed here
  CHECK(gone.err.find("gone: ") != std::string::npos);
  CHECK(AgentFolder::read(folder.tree() + "/name") == "gone");
  std::map<std::string, std::string> skipped;
  for (const Json& line : gone.lines())
    if (line["event"] == "resource" && line["outcome"] == "skipped") skipped[line["id"]] = line["reason"];
  CHECK(skipped ==
        std::map<std::string, std::string>{{"facts", "host gone failed"}, {"each[gone]", "host gone failed"}});
}

TEST_CASE("A relative --mirror or --state is refused where a play names a target") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"plays": [
      {"on": "gone", "resources": [{"type": "file", "path": "@/there", "content": "x"}]}]})");
  const Ended mirror = folder.run({"plan", playbook, "--mirror", "mirror"});
  CHECK(mirror.status == 3);
  CHECK(mirror.err.find("--mirror mirror: for other machines it is a URL, or an absolute path there") !=
        std::string::npos);
  const Ended state = folder.run({"plan", playbook, "--state", "state"});
  CHECK(state.status == 3);
  CHECK(state.err.find("--state state: for other machines it is an absolute path there") != std::string::npos);
}

TEST_CASE("A file beside the playbook is sent once, and again only when it changed") {
  const SshServer server;
  AgentFolder folder;
  folder.write("motd", "welcome\n");
  const std::string simple =
      folder.write("s.json", R"({"resources": [{"type": "file", "path": "@/a", "source": "motd"}]})");
  CHECK(folder.run(on_box(server, {"apply", simple})).status == 0);
  CHECK(AgentFolder::read(folder.tree() + "/a") == "welcome\n");
  folder.write("motd", "changed\n");
  CHECK(folder.run(on_box(server, {"plan", simple})).status == 2);
  CHECK(folder.run(on_box(server, {"apply", simple})).status == 0);
  CHECK(AgentFolder::read(folder.tree() + "/a") == "changed\n");
}

TEST_CASE("A file whose name only the host knows is not sent, and the message says why") {
  const SshServer server;
  AgentFolder folder;
  // The host is this machine, so its fact is known here, too.
  folder.write(Json::parse(folder.run({"facts", "os.id"}).out).get<std::string>(), "of this machine\n");
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "path": "@/a", "source": "{{facts.os.id}}"}]})");
  CHECK(folder.run({"plan", playbook}).status == 2);  // here it is read
  const Ended ended = folder.run(on_box(server, {"apply", playbook}));
  INFO(ended.out << ended.err);
  CHECK(ended.status == 3);
  CHECK(ended.err.find("is not sent to another machine: its name is only known there\n") != std::string::npos);
  CHECK(
      ended.err.find(
          "  hint: in `source`, `{{vars…}}` can be used, but neither facts nor outputs of resources: write one "
          "resource for each file, and choose among them with `when`\n") != std::string::npos);
  CHECK(folder.picture().empty());
}

TEST_CASE("A mistake that only the host can find is shown with its place here, and nothing is touched") {
  const SshServer server;
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "path": "@/a", "content": "x"},
    {"type": "file", "path": "@/b", "content": "x", "mode": "{{facts.memory}}"}]})");
  const Ended ended = folder.run(on_box(server, {"apply", playbook}));
  CHECK(ended.status == 3);
  CHECK(ended.err.find("error: `mode` must be a text such as") != std::string::npos);
  CHECK(ended.err.find("\"mode\": \"{{facts.memory}}\"") != std::string::npos);
  CHECK(folder.picture().empty());
}

TEST_CASE("A host that cannot be reached is an error of its own; the others are changed all the same") {
  const SshServer server;
  AgentFolder folder;
  const std::string playbook =
      folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/a", "content": "x"}]})");
  const std::string config =
      server.config("Host gone\n  HostName 127.0.0.1\n  Port " + std::to_string(free_port()) + "\n");
  const Ended ended =
      folder.run({"apply", "--json", playbook, "--host", "gone", "--host", "box", "--ssh-config", config});
  CHECK(ended.status == 1);
  CHECK(ended.err.find("gone: ") != std::string::npos);
  CHECK(outcomes(ended) == Outcomes{{"box file[" + folder.tree() + "/a]", "changed"}});
  const Json summary = ended.lines().back();
  REQUIRE(summary.at("hosts").size() == 2);
  CHECK(summary.at("hosts")[0].at("error").is_string());
  CHECK(summary.at("hosts")[1].at("changed") == 1);
  // Nothing is left to change on the other: nothing is touched.
  CHECK(folder.run({"apply", playbook, "--host", "gone", "--host", "box", "--ssh-config", config}).status == 4);
}

TEST_CASE("Facts of another machine") {
  const SshServer server;
  AgentFolder folder;
  const Ended one = folder.run(on_box(server, {"facts", "os.id"}));
  CHECK(one.status == 0);
  CHECK(one.out == folder.run({"facts", "os.id"}).out);
  CHECK(folder.run(on_box(server, {"facts", "os.idd"})).status == 3);
  const Ended two = folder.run(on_box(server, {"facts", "os.id", "--host", "box2"}));
  CHECK(Json::parse(two.out).at("box2") == Json::parse(one.out));
}

TEST_CASE("A target accepts nothing but its own protocol", "[long]") {
  const auto said_to = [](const std::string& bytes) {
    AgentFolder folder;
    return folder.run({"serve"}, folder.write("said", bytes)).status;
  };
  const auto framed = [](const std::string& payload) {
    const auto size = static_cast<std::uint32_t>(payload.size());
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + payload;
  };
  CHECK(said_to("") == 0);
  CHECK(said_to("GET / HTTP/1.1\r\n\r\n") == 0);
  CHECK(said_to(framed("no message")) == 0);
  CHECK(said_to(framed(mlops::encode(mlops::RunPlay{0, {}}))) == 0);
  CHECK(said_to(framed(mlops::encode(mlops::BeginPass{true, {0}}))) == 0);
  CHECK(said_to(framed(mlops::encode(mlops::PasswordGiven{"x"}))) == 0);
  CHECK(said_to(std::string(4, '\xff') + "x") == 0);
}

TEST_CASE("An end that is silent is noticed; one that says it is alive is not") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const auto begin = std::chrono::steady_clock::now();
  {
    mlops::FrameLink link({ends[0], ends[0], 100, {}, [&] { ::shutdown(ends[0], SHUT_RDWR); }});
    mlops::send_frame(ends[1], "hello");
    CHECK(link.next() == "hello");
    CHECK_FALSE(link.next());
    CHECK(link.ended() == "no answer for 12 s");
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(16));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("A sender of more than is read waits, and does not count as silent meanwhile") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const int small = 4096;
  for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  constexpr int count = 200;
  std::atomic<int> sent{0};
  {
    mlops::FrameLink link({ends[0], ends[0], 10'000, {}, [&] { ::shutdown(ends[0], SHUT_RDWR); }});
    std::thread other([&] {
      for (int i = 0; i < count; ++i) {
        mlops::send_frame(ends[1], std::string(1000, static_cast<char>('a' + i % 26)));
        ++sent;
      }
      ::shutdown(ends[1], SHUT_WR);
    });
    // Nothing is taken: what is sent comes to rest at ten frames, one in hand, and what the socket buffers.
    for (int last = -1; sent == 0 || last != sent; ::poll(nullptr, 0, 50)) last = sent;
    CHECK(sent < count / 2);
    for (int i = 0; i < count; ++i) CHECK(link.next() == std::string(1000, static_cast<char>('a' + i % 26)));
    CHECK_FALSE(link.next());
    CHECK(link.ended() == "the connection was closed");
    other.join();
  }
  ::close(ends[0]);
  ::close(ends[1]);
}
