// {"include": …} in the place of a play: the plays of another playbook.
#include "engine/show.hpp"
#include "playbook/scopes.hpp"
#include "support/catch.hpp"
#include "support/site.hpp"

using namespace mlops;
using test::Site;

namespace {

using Lines = std::vector<std::string>;

constexpr const char* course = R"({
  "name": "course",
  "vars": {"folder": "/srv", "on": "gate"},
  "show": ["at {{resources.base.path}}", {"text": "there", "when": {"hosts": {"exists": true}}}],
  "plays": [
    {"name": "machine", "resources": [
      {"id": "base", "type": "file", "path": "{{vars.folder}}/base", "tags": "inner"},
      {"type": "file", "path": "{{vars.folder}}/after", "after": "base"}]},
    {"name": "gate", "on": "{{vars.on}}", "when": {"vars.folder": "/data"}, "resources": []},
    {"name": "laptop", "on": "local", "resources": [
      {"id": "near", "type": "file", "path": "{{resources.base.path}}"}]}]})";

// "machine on box: c-base" for each play.
Lines plays(const Playbook& playbook) {
  Lines lines;
  for (const Play& play : playbook.plays) {
    std::string line = play.name + " on";
    for (const std::string& host : play.on) line += " " + host;
    for (const Resource& r : play.resources) line += ": " + r.id;
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("the plays of a file that is included stand in the place of its entry") {
  Site site;
  site.write("course.json", course);
  const Playbook p = site.load(R"({"vars": {"d": "/data"}, "plays": [
    {"name": "first", "on": "local", "resources": [{"id": "a", "type": "file", "path": "/a"}]},
    {"include": {"file": "course.json", "vars": {"folder": "{{vars.d}}"}}, "id": "c", "tags": "outer", "on": "box",
     "reach_timeout": 90},
    {"name": "last", "resources": [{"type": "file", "path": "/z", "content": "{{resources.c-base.path}}"}]}]})");
  CHECK(plays(p) == Lines{"first on local: a", "machine on box: c-base: ", "gate on gate",
                          "laptop on local: c-near", "last on: "});
  CHECK(p.name == "");
  CHECK(p.plays[1].reach_timeout_ms == 90'000);
  CHECK(p.plays[1].resources[0].tags == Lines{"inner", "outer"});
  CHECK(p.plays[1].resources[1].after == Lines{"c-base"});
  CHECK(p.plays[4].reach_timeout_ms == 600'000);
  const Scopes scopes(p, nullptr);
  const Resource& base = p.plays[1].resources[0];
  CHECK(interpolate(*base.parameters.find("path"), scopes.of(base.include)).as_string() == "/data/base");
}

TEST_CASE(
    "a play of an included file may be on what an earlier play makes, given beside the include or in it") {
  Site site;
  site.write("two.json", R"({"plays": [
    {"on": "local", "resources": [{"id": "own", "type": "file", "path": "/own"}]},
    {"on": "{{resources.own.path}}", "resources": [{"type": "file", "path": "/x"}]},
    {"resources": [{"type": "file", "path": "/y"}]}]})");
  const Playbook p = site.load(R"({"plays": [
    {"on": "local", "resources": [{"id": "box", "type": "file", "path": "/box"}]},
    {"include": "two.json", "on": "{{resources.box.path}}"}]})");
  REQUIRE(p.plays.size() == 4);
  REQUIRE(p.plays[2].awaited.size() == 1);
  CHECK(p.plays[2].awaited[0].made_by == Lines{"file[two-own]"});
  REQUIRE(p.plays[3].awaited.size() == 1);
  CHECK(p.plays[3].awaited[0].made_by == Lines{"file[box]"});
}

TEST_CASE("a file with resources alone is one play") {
  Site site;
  site.write("one.json", R"({"resources": [{"id": "r", "type": "file", "path": "/r"}]})");
  const Playbook p = site.load(R"({"plays": [{"include": "one.json", "on": ["web1", "web2"]}]})");
  CHECK(plays(p) == Lines{" on web1 web2: one-r"});
}

TEST_CASE("what an included playbook shows is shown, with its own names") {
  Site site;
  site.write("course.json", course);
  const Playbook p = site.load(R"({"show": ["first"], "plays": [
    {"include": "course.json", "on": "box"},
    {"include": "course.json", "id": "off", "on": "box", "when": {"vars.never": true}}],
    "vars": {"never": false}})");
  std::vector<HostValues> hosts{{.name = "local"}, {.name = "box"}};
  Value path;
  path.set("path", "/srv/base");
  hosts[1].resources["course-base"][""] = {Given::State::known, "file[course-base]", "", {path, {}}};
  const Facts facts({"ubuntu", "/home/ubuntu", "/bin/bash", 1000, 1000});
  Diagnostics mistakes;
  Lines lines;
  for (const ShownLine& line : show_lines(p, facts, hosts, mistakes)) lines.push_back(line.text);
  CHECK(mistakes.empty());
  CHECK(lines == Lines{"first", "at /srv/base", "there"});
}

TEST_CASE("mistakes of an include among plays are shown where they stand") {
  Site site;
  site.write("bad.json", R"({
  "secrets": {},
  "plays": [{"resources": [{"type": "file", "path": "{{resources.nope.path}}"}]}],
  "resources": []
})");
  CHECK(site.mistakes(R"({"plays": [
  {"include": "bad.json", "name": "x"},
  {"include": "bad.json"}
]})") == R"(site.json:2:27: error: `name` cannot stand beside `include`
    {"include": "bad.json", "name": "x"},
                            ^
  hint: an include takes `id`, `when`, `tags`, `on` and `reach_timeout`
site.json:3:3: error: two includes give their ids the prefix `bad-`
    {"include": "bad.json"}
    ^
  hint: give one of them another `id`
site.json:2:3: note: the other stands here
    {"include": "bad.json", "name": "x"},
    ^
bad.json:2:3: error: `secrets` cannot stand in a file that is included
    "secrets": {},
    ^
  hint: it stands in the playbook itself
bad.json:3:56: error: there is no resource with the id `nope`
  …ys": [{"resources": [{"type": "file", "path": "{{resources.nope.path}}"}]}],
                                                    ^
bad.json:4:3: error: `plays` and `resources` cannot stand together
    "resources": []
    ^
  hint: `resources` is short for a single play
)");
}
