#include <fstream>

#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/docker_daemon.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::string id1 = DockerDaemon::sha256('1'), id2 = DockerDaemon::sha256('2');

Tried tried(const std::string& more, const std::optional<ContainerImage>& now) {
  FakeMachine machine;
  if (now) machine.i.images["a:1"] = *now;
  return try_module("docker_image", R"({"name": "a:1")" + more + "}", machine);
}

ContainerImage image() {
  return {.id = id1, .tags = {"a:1"}, .digests = {"a@" + id2}, .platform = "linux/arm/v7", .assumed = false};
}

// The changes and the action: "id | pull".
std::string in_a_line(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes) text += c.property + " ";
  text += "|";
  for (std::size_t i = 0; i < diff.actions.size(); ++i)
    text += action<PullImage>(diff, i)     ? " pull"
            : action<LoadImage>(diff, i)   ? " load"
            : action<RemoveImage>(diff, i) ? " remove"
                                           : " ?";
  return text;
}

std::string mistake(const std::string& parameters) {
  try {
    try_module("docker_image", parameters, FakeMachine());
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

std::string said(const Ended& run) {
  std::string text;
  for (const Json& line : run.lines())
    if (line["event"] == "resource")
      text += line["id"].get<std::string>() + " " + line["outcome"].get<std::string>() + "\n";
  return text + run.err;
}

}  // namespace

TEST_CASE("docker_image: every desired state from every state that a name can be in") {
  struct Row {
    std::string more;
    const char *none, *there;
  };
  const std::string gone = R"(, "state": "absent")", file = R"(, "file": "/a.tar")",
                    url = R"(, "url": "https://example.org/a.tar")";
  const auto with = [](const char* name, const std::string& value) {
    return std::string(", \"") + name + "\": \"" + value + "\"";
  };
  const Row rows[] = {
      {"", "exists | pull", "|"},
      {file, "exists | load", "|"},
      {url, "exists | load", "|"},
      {gone, "|", "exists | remove"},
      {with("image_id", id1), "exists | pull", "|"},
      {with("image_id", id2), "exists | pull", "id | pull"},
      {with("image_id", id2) + file, "exists | load", "id | load"},
      {with("digest", id2), "exists | pull", "|"},
      {with("digest", id1), "exists | pull", "digest | pull"},
      {with("platform", "linux/arm"), "exists | pull", "|"},
      {with("platform", "linux/arm/v7"), "exists | pull", "|"},
      {with("platform", "linux/arm/v6"), "exists | pull", "platform | pull"},
      {with("platform", "linux/arm64"), "exists | pull", "platform | pull"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.more);
    CHECK(in_a_line(tried(row.more, {}).diff) == row.none);
    CHECK(in_a_line(tried(row.more, image()).diff) == row.there);
  }
}

TEST_CASE("docker_image: its action has what was asked for, and one question is asked") {
  FakeMachine machine;
  const Tried t = try_module(
      "docker_image", R"({"name": "docker.io/library/a", "platform": "linux/arm64", "socket": "/run/d.sock"})",
      machine);
  const auto* pull = action<PullImage>(t.diff, 0);
  REQUIRE(pull);
  CHECK(*pull == PullImage{"/run/d.sock", "a:latest", "", "linux/arm64"});
  CHECK(machine.i.asked == std::vector<std::string>{"/run/d.sock a:latest"});
  CHECK(*action<PullImage>(tried("", {}).diff, 0) == PullImage{"/var/run/docker.sock", "a:1", "", ""});
}

TEST_CASE("docker_image: its claims, its removal and its outputs") {
  const Module& module = *find_module("docker_image");
  const Tried t = tried(R"(, "file": "/a.tar")", image());
  const Claims claims = module.claims(t.desired);
  REQUIRE(claims.size() == 2);
  CHECK(to_string(claims[0]) == "owns image a:1");
  CHECK(to_string(claims[1]) == "reads path /a.tar");
  CHECK(to_json(module.removal(t.desired)) == R"({"type":"docker_image","name":"a:1","state":"absent"})");
  CHECK(to_json(module.outputs(t.desired, t.current).values) ==
        R"({"name":"a:1","id":")" + id1 + R"(","digest":")" + id2 + "\"}");
  const Tried elsewhere = tried(R"(, "socket": "/run/d.sock")", {});
  CHECK(to_string(module.claims(elsewhere.desired)[0]) == "owns image a:1 at /run/d.sock");
  CHECK(module.outputs(elsewhere.desired, elsewhere.current).unknown ==
        std::vector<std::string>{"id", "digest"});
}

TEST_CASE("docker_image: mistakes are told at their parameter") {
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != text.npos;
  };
  CHECK(has(mistake(R"({"name": "A B"})"), "`A B` is no name of an image"));
  CHECK(has(mistake(R"({"name": "a", "image_id": "sha256:12"})"), "is not sha256: and 64"));
  CHECK(has(mistake(R"({"name": "a", "file": "/x", "url": "https://example.org/x"})"), "two sources"));
  CHECK(has(mistake(R"({"name": "a", "sha256": ")" + std::string(64, '0') + "\"}"), "of an archive"));
  CHECK(has(mistake(R"({"name": "a", "file": "/x", "sha256": "12"})"), "sha256"));
  CHECK(has(mistake(R"({"name": "a", "file": "/x", "digest": ")" + id1 + "\"}"), "does not keep"));
  CHECK(has(mistake(R"({"name": "a@)" + id1 + R"(", "digest": ")" + id1 + "\"}"), "has a digest already"));
  CHECK(has(mistake(R"({"name": "a", "platform": "arm"})"), "`arm` is no platform"));
  CHECK(has(mistake(R"({"name": "a", "file": "/x", "platform": "linux/arm"})"), "is of the platform"));
}

TEST_CASE("docker_image: planned, pulled, settled by one request, taken away and undone", "[agent]") {
  const AgentFolder folder;
  const std::string socket = folder.tree() + "/d.sock";
  DockerDaemon daemon(socket);
  daemon.publish("hello-world latest", {id1, id2});
  const std::string file = folder.write("p.json", R"({"resources": [
    {"type": "docker_image", "id": "a", "name": "hello-world", "socket": "@/d.sock"}]})");
  CHECK(said(folder.run({"plan", "--json", file})) == "a would_change\n");
  CHECK(daemon.images().empty());
  CHECK(said(folder.run({"apply", "--json", file})) == "a changed\n");
  CHECK(daemon.images().at("hello-world:latest").id == id1);
  const auto before = daemon.asked().size();
  CHECK(said(folder.run({"plan", "--json", file})) == "a ok\n");
  CHECK(daemon.asked().size() == before + 1);
  const Ended undone = folder.run({"undo", "--yes", "--state", folder.state()});
  CAPTURE(undone.out, undone.err);
  CHECK(undone.status == 0);
  CHECK(daemon.images().empty());
  CHECK(daemon.strange().empty());
}

TEST_CASE("docker_image: without a daemon it fails with what to do", "[agent]") {
  const AgentFolder folder;
  const Ended run = folder.run({"apply", folder.write("p.json", R"({"resources": [
    {"type": "docker_image", "id": "a", "name": "hello-world", "socket": "@/none.sock"}]})")});
  CHECK(run.status == 1);
  CHECK((run.out + run.err).find("there is no container daemon") != std::string::npos);
}
