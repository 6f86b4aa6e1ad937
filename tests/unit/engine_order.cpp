// Order, conditions, repetition, references, and neighbouring writes.
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::test;

TEST_CASE("Resources take effect one by one in the order written, and a second run changes nothing") {
  EngineBench bench;
  const std::string playbook = R"({"resources": [
    {"type": "link", "path": "/b", "target": "1"},
    {"type": "unit", "name": "u"},
    {"type": "link", "path": "/a", "target": "2"},
    {"type": "file", "path": "/c", "content": "3"}]})";
  CHECK(bench.apply(playbook) ==
        Lines{"link[/b] changed", "unit[u] changed", "link[/a] changed", "file[/c] changed"});
  CHECK(bench.host.log == Lines{"root: link /b -> 1", "root: start u", "root: link /a -> 2", "root: write /c"});
  bench.host.log.clear();
  CHECK(bench.apply(playbook) == Lines{"link[/b] ok", "unit[u] ok", "link[/a] ok", "file[/c] ok"});
  CHECK(bench.host.log.empty());
  CHECK(bench.result.pending.empty());
}

TEST_CASE("A plan reports the same and performs nothing") {
  EngineBench bench;
  CHECK(bench.plan(R"({"resources": [
    {"type": "link", "id": "b", "path": "/b", "target": "1"},
    {"type": "link", "path": "/c", "target": "{{resources.b.target}}"},
    {"type": "file", "path": "/d", "content": "3"}]})") ==
        Lines{"link[b] would_change", "link[/c] would_change", "file[/d] would_change"});
  CHECK(bench.host.log.empty());
  CHECK(bench.host.world.f.entries.size() == 1);
  REQUIRE(bench.result.pending.size() == 3);
  CHECK(bench.result.pending[0].identity == Identity{"root"});
  CHECK(bench.result.pending[0].label == "link[b]");
}

TEST_CASE("A skipped resource says why, and a reference to it skips too unless it has a default") {
  EngineBench bench;
  CHECK(bench.apply(R"({"vars": {"os": "debian"}, "resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1", "when": {"vars.os": "ubuntu"}},
    {"type": "link", "path": "/b", "target": "{{resources.a.target}}"},
    {"type": "link", "path": "/c", "target": "{{resources.a.target | default(\"x\")}}"},
    {"type": "link", "path": "/d", "target": "1", "when": {"vars.os": ["ubuntu", "fedora"]}},
    {"type": "link", "path": "/e", "target": "1", "when": {"resources.a.target": "1"}}]})") ==
        Lines{"link[a] skipped: vars.os is debian, expected ubuntu",
              "link[/b] skipped: it refers to link[a], which was skipped", "link[/c] changed",
              "link[/d] skipped: vars.os is debian, expected ubuntu or fedora",
              "link[/e] skipped: it refers to link[a], which was skipped"});
  CHECK(bench.host.log == Lines{"root: link /c -> x"});
}

TEST_CASE("A condition on a fact says what the fact is") {
  EngineBench bench;
  const Facts facts({"ubuntu", "/home/ubuntu", "/bin/bash", 1000, 1000});
  const std::vector<std::string> path{"os", "id"};
  const std::string id = facts.lookup(path)->to_text();
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "path": "/a", "target": "1", "when": {"facts.os.id": "plan9"}}]})") ==
        Lines{"link[/a] skipped: facts.os.id is " + id + ", expected plan9"});
}

TEST_CASE("for_each repeats over lists and objects, and others refer to what each gave") {
  EngineBench bench;
  CHECK(bench.apply(R"({"vars": {"all": ["x", "y"]}, "resources": [
    {"type": "link", "id": "l", "for_each": "{{vars.all}}", "path": "/{{item}}", "target": "to-{{item}}"},
    {"type": "link", "for_each": {"k": 1}, "path": "/{{item.key}}", "target": "{{item.value}}-{{resources.l.y.target}}"},
    {"type": "link", "for_each": [], "path": "/n", "target": "1"}]})") ==
        Lines{"link[l][x] changed", "link[l][y] changed", "link[/k][k] changed"});
  CHECK(bench.host.log == Lines{"root: link /x -> to-x", "root: link /y -> to-y", "root: link /k -> 1-to-y"});
  const auto& first = std::get<ResourceFinished>(bench.events.at(2));
  CHECK(first.id == "l[x]");
  CHECK(first.type == "link");
  CHECK(first.host == "local");
  CHECK(first.as == "root");
}

TEST_CASE("for_each over what an earlier resource gave") {
  EngineBench bench;
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "t"},
    {"type": "link", "for_each": ["{{resources.a.target}}", "u"], "path": "/{{item}}", "target": "1"}]})") ==
        Lines{"link[a] changed", "link[/t][t] changed", "link[/u][u] changed"});
}

TEST_CASE("A play whose condition is false skips all its resources with the reason") {
  EngineBench bench;
  CHECK(bench.apply(R"({"vars": {"big": false}, "plays": [
    {"name": "one", "when": {"vars.big": true}, "resources": [
      {"type": "link", "id": "a", "path": "/a", "target": "1"},
      {"type": "link", "for_each": [1, 2], "path": "/{{item}}", "target": "1"}]},
    {"name": "two", "resources": [{"type": "link", "path": "/b", "target": "{{resources.a.target}}"}]}]})") ==
        Lines{"link[a] skipped: vars.big is false, expected true",
              "link[/{{item}}] skipped: vars.big is false, expected true",
              "link[/b] skipped: it refers to link[a], which was skipped"});
  CHECK(bench.host.log.empty());
}

TEST_CASE("Only what is selected is changed; the others are read for their outputs, and not reported") {
  EngineBench bench;
  bench.host.world.f.link("/a", "old");
  bench.options.only = {"b"};
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1"},
    {"type": "link", "id": "gone", "path": "/g", "target": "1", "when": {"vars.x": 2}},
    {"type": "link", "id": "b", "path": "/b", "target": "{{resources.a.target}}"},
    {"type": "link", "path": "/c", "target": "1", "tags": "t"}], "vars": {"x": 1}})") ==
        Lines{"link[b] changed"});
  CHECK(bench.host.log == Lines{"root: link /b -> old"});
  bench.options.only = {};
  bench.options.tags = {"t"};
  CHECK(bench.apply(R"({"resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1"},
    {"type": "link", "path": "/c", "target": "1", "tags": ["s", "t"]}]})") == Lines{"link[/c] changed"});
}

TEST_CASE("What is not selected and not known is not reported") {
  EngineBench bench;
  bench.options.only = {"z"};
  bench.host.world.c.answers[{"ask"}] = {};
  CHECK(bench.plan(R"({"resources": [
    {"type": "link", "id": "z", "path": "/z", "target": "1"},
    {"type": "program", "argv": ["set"], "unless": ["ask"]},
    {"type": "link", "path": "/y", "target": "1"}]})") == Lines{"link[z] would_change"});
}

TEST_CASE("A verification that is not selected does not run") {
  EngineBench bench;
  bench.options.only = {"z"};
  CHECK(bench.apply(R"({"resources": [
    {"type": "check", "argv": ["ask"]}, {"type": "link", "id": "z", "path": "/z", "target": "1"}]})") ==
        Lines{"link[z] changed"});
  CHECK(bench.host.world.c.asked.empty());
}

TEST_CASE("Neighbouring writes are done together, in order, and what is right among them keeps its place") {
  EngineBench bench;
  bench.host.world.f.file("/2", "x");
  CHECK(bench.apply(R"({"resources": [
    {"type": "file", "path": "/0", "content": "x"},
    {"type": "file", "path": "/1", "content": "x"},
    {"type": "file", "path": "/2", "content": "x"},
    {"type": "file", "path": "/3", "content": "x"},
    {"type": "link", "path": "/4", "target": "x"},
    {"type": "file", "path": "/5", "content": "x"}]})") == Lines{"file[/0] changed", "file[/1] changed",
                                                                 "file[/2] ok", "file[/3] changed",
                                                                 "link[/4] changed", "file[/5] changed"});
  CHECK(bench.host.together == std::vector<std::size_t>{3});
  CHECK(bench.host.log ==
        Lines{"root: write /0", "root: write /1", "root: write /3", "root: link /4 -> x", "root: write /5"});
}

TEST_CASE("At most 256 writes are done together") {
  EngineBench bench;
  std::string list;
  for (int i = 0; i < 600; ++i)
    list += (i ? "," : "") + std::string(R"({"type": "file", "path": "/)") + std::to_string(i) +
            R"(", "content": "x"})";
  CHECK(bench.apply(R"({"resources": [)" + list + "]}").size() == 600);
  CHECK(bench.result.count(Outcome::changed) == 600);
  CHECK(bench.host.together == std::vector<std::size_t>{256, 256, 88});
}

TEST_CASE("Adjacent writes with the same owner stay together") {
  EngineBench bench;
  bench.apply(R"({"resources": [
    {"type": "file", "path": "/0", "content": "x", "owner": "ubuntu"},
    {"type": "file", "path": "/1", "content": "x", "owner": "ubuntu"}]})");
  CHECK(bench.host.together == std::vector<std::size_t>{2});
}

TEST_CASE("Adjacent writes of different users are not done together") {
  EngineBench bench;
  CHECK(bench.apply(R"({"resources": [
    {"type": "file", "path": "/0", "content": "x"},
    {"type": "file", "path": "/1", "content": "x", "as": "ubuntu"}]})") ==
        Lines{"file[/0] changed", "file[/1] changed"});
  CHECK(bench.host.together.empty());
  CHECK(bench.host.log == Lines{"root: write /0", "ubuntu: write /1"});
}

TEST_CASE("The same path twice among adjacent writes is inspected again for the second") {
  EngineBench bench;
  CHECK(bench.apply(R"({"resources": [
    {"type": "file", "path": "/0", "content": "x"},
    {"type": "file", "path": "/0", "content": "x"},
    {"type": "file", "path": "/1", "content": "y"}]})") ==
        Lines{"file[/0] changed", "file[/0] ok", "file[/1] changed"});
}

TEST_CASE("An error among adjacent writes fails that one alone, in its place") {
  EngineBench bench;
  bench.host.failing["/1"] = "cannot write /1: No space left on device";
  CHECK(bench.apply(R"({"resources": [
    {"type": "file", "path": "/0", "content": "x"},
    {"type": "file", "path": "/1", "content": "x"},
    {"type": "file", "path": "/2", "content": "x"}]})") ==
        Lines{"file[/0] changed", "file[/1] failed: cannot write /1: No space left on device",
              "file[/2] changed"});
}

TEST_CASE("After the failure of an adjacent write that it names, a resource is skipped") {
  EngineBench bench;
  bench.host.failing["/0"] = "no";
  CHECK(bench.apply(R"({"resources": [
    {"type": "file", "id": "a", "path": "/0", "content": "x"},
    {"type": "file", "path": "/1", "content": "x", "after": "a"}]})") ==
        Lines{"file[a] failed: no", "file[/1] skipped: file[a] failed"});
}

TEST_CASE("What a resource puts on PATH is there for later ones, whether it had to act or not") {
  EngineBench bench;
  const std::string playbook = R"({"resources": [{"type": "entry", "folder": "/soft"},
    {"type": "link", "path": "/a", "target": "1"}]})";
  CHECK(bench.apply(playbook) == Lines{"entry[/soft] changed", "link[/a] changed"});
  CHECK(bench.host.path == Lines{"ubuntu: /soft"});
  bench.host.path.clear();
  CHECK(bench.apply(playbook) == Lines{"entry[/soft] ok", "link[/a] ok"});
  CHECK(bench.host.path == Lines{"ubuntu: /soft"});
}

TEST_CASE("What is on one identity's PATH is not on another's, in a plan as in the real run") {
  EngineBench bench;
  bench.host.world.f.file("/profile", "/soft");
  bench.host.world.c.answers[{"see"}] = {.status = 0};
  CHECK(bench.plan(R"({"resources": [{"type": "entry", "folder": "/soft"}, {"type": "check", "argv": ["see"]},
    {"type": "check", "as": "root", "argv": ["see"]}]})") ==
        Lines{"entry[/soft] ok", "check[see] ok", "check[see] ok"});
  REQUIRE(bench.host.world.c.asked.size() == 2);
  CHECK(bench.host.world.c.asked[0].path == Lines{"/soft"});
  CHECK(bench.host.world.c.asked[1].path.empty());
}

TEST_CASE(
    "What needs an identity that nobody may become has failed in the plan, and its change stays pending") {
  EngineBench bench;
  bench.host.forbidden = {"root"};
  bench.host.world.f.folder("/home/ubuntu", 0755, "ubuntu");
  const std::string playbook = R"({"resources": [{"type": "link", "path": "/a", "target": "1"},
    {"type": "link", "path": "/home/ubuntu/b", "target": "1", "actor": "person"}]})";
  CHECK(bench.plan(playbook) ==
        Lines{"link[/a] failed: nobody may act as root", "link[/home/ubuntu/b] would_change"});
  REQUIRE(bench.result.pending.size() == 2);
  CHECK(bench.result.pending[0].identity.user == "root");
  bench.host.world.f.link("/a", "1");
  CHECK(bench.plan(playbook) == Lines{"link[/a] ok", "link[/home/ubuntu/b] would_change"});
}

TEST_CASE("What a plan puts on PATH does not reach the real host") {
  EngineBench bench;
  bench.plan(R"({"resources": [{"type": "entry", "folder": "/soft"}]})");
  CHECK(bench.host.path.empty());
}

TEST_CASE("Conflicts that show only when values are filled in are mistakes of the plan, with both places") {
  EngineBench bench;
  bench.host.world.f.link("/n", "p");
  bench.plan(R"({"resources": [
    {"type": "link", "id": "n", "path": "/n", "target": "p"},
    {"type": "link", "path": "/{{resources.n.target}}", "target": "1"},
    {"type": "link", "path": "/p", "target": "2"}]})");
  REQUIRE(bench.result.mistakes.size() == 1);
  const Diagnostic& mistake = bench.result.mistakes.list().front();
  CHECK(mistake.message == "link[/p] and link[/p] want different things of the path /p");
  CHECK(mistake.where.line == 4);
  CHECK(mistake.related.line == 3);
  CHECK(bench.host.log.empty());
}

TEST_CASE("A value of the wrong type that shows only when filled in is a mistake of the plan") {
  EngineBench bench;
  bench.plan(R"({"resources": [
    {"type": "link", "path": "/p", "target": "{{facts.memory}}"}]})");
  CHECK(bench.mistakes() == "`target` must be a text, found an object\n");
}

TEST_CASE("A line to show that a secret went into says so, however it was filtered") {
  EngineBench bench;
  bench.apply(R"({
    "show": ["http://x/?token={{resources.a.token}}", "{{resources.a.token | upper}}", "{{resources.a}}", "{{resources.a.path}}"],
    "resources": [{"type": "key", "id": "a", "path": "/a"}]})");
  const auto& show = bench.shown;
  REQUIRE(show.size() == 4);
  CHECK(show[0].text == "http://x/?token=drawn");
  CHECK(show[0].secret);
  CHECK(show[1].text == "DRAWN");
  CHECK(show[1].secret);
  CHECK(show[2].secret);
  CHECK_FALSE(show[3].secret);
}

TEST_CASE("What has no place on a machine is skipped with the module's reason, and so is what refers to it") {
  EngineBench bench;
  const std::string playbook = R"({"resources": [
    {"type": "key", "id": "a", "path": "/nowhere/a"},
    {"type": "link", "path": "/b", "target": "{{resources.a.path}}"},
    {"type": "link", "path": "/c", "target": "{{resources.a.path | default('none')}}"}]})";
  const Lines expected{"key[a] skipped: there is no lock for it",
                       "link[/b] skipped: it refers to key[a], which was skipped", "link[/c] changed"};
  CHECK(bench.apply(playbook) == expected);
  bench.host.world.f.entries.erase("/c");
  bench.options.tags = {"none"};
  CHECK(bench.apply(playbook).empty());
}

TEST_CASE("A line to show is filled in, and left out where what it refers to failed") {
  EngineBench bench;
  const std::string playbook = R"({"show": ["see {{resources.a.target}}"], "resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "1"}]})";
  bench.apply(playbook);
  REQUIRE(bench.shown.size() == 1);
  CHECK(bench.shown[0].text == "see 1");
  CHECK_FALSE(bench.shown[0].secret);
  bench.host.world.f.entries.erase("/a");
  bench.host.failing["/a"] = "no";
  bench.apply(playbook);
  CHECK(bench.shown.empty());
}
