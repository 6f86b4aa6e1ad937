// {"include": {"file", "vars"}} among resources: files that a playbook takes in.
#include <fmt/format.h>

#include <algorithm>

#include "playbook/scopes.hpp"
#include "support/catch.hpp"
#include "support/engine_bench.hpp"
#include "support/site.hpp"

using namespace mlops;
using test::EngineBench;
using test::Lines;
using test::Site;

namespace {

std::string path_of(const Playbook& p, const Resource& r) {
  const Scopes scopes(p, nullptr);
  return interpolate(*r.parameters.find("path"), scopes.of(r.include)).as_string();
}

// Names with a value of their own: their path, as written.
struct Known : Scope {
  std::vector<std::string> paths;
  explicit Known(std::vector<std::string> all) : paths(std::move(all)) {}
  std::optional<Value> lookup(const std::vector<std::string>& path) const override {
    const std::string text = fmt::format("{}", fmt::join(path, "."));
    return std::find(paths.begin(), paths.end(), text) == paths.end() ? std::nullopt
                                                                      : std::optional<Value>(text);
  }
  std::vector<std::string> names(const std::vector<std::string>& /*path*/) const override { return {}; }
};

}  // namespace

TEST_CASE("a file that is included stands in the place of its entry") {
  Site site;
  site.write("web.json", R"({"vars": {"port": 80, "at": "/srv/{{vars.port}}"}, "resources": [
    {"type": "file", "id": "conf", "path": "{{vars.at}}", "tags": "inner"},
    {"type": "service", "id": "nginx", "name": "nginx", "after": "conf"}]})");
  const Playbook p = site.load(R"({"vars": {"p": 8080}, "resources": [
    {"type": "file", "path": "/before"},
    {"include": {"file": "web.json", "vars": {"port": "{{vars.p}}"}}, "tags": ["outer"]},
    {"include": "web.json", "id": "second"},
    {"type": "file", "path": "/after"}]})");
  const auto& all = p.plays[0].resources;
  REQUIRE(all.size() == 6);
  CHECK(path_of(p, all[0]) == "/before");
  CHECK(all[1].id == "web-conf");
  CHECK(path_of(p, all[1]) == "/srv/8080");
  CHECK(all[1].tags == std::vector<std::string>{"inner", "outer"});
  CHECK(all[2].id == "web-nginx");
  CHECK(all[2].after == std::vector<std::string>{"web-conf"});
  CHECK(all[3].id == "second-conf");
  CHECK(path_of(p, all[3]) == "/srv/80");
  CHECK(path_of(p, all[5]) == "/after");
  CHECK(p.sources.size() == 2);  // read once
}

TEST_CASE("nothing of an included file's vars leaks out, and nothing leaks in") {
  Site site;
  site.write("in.json", R"({"vars": {"own": 1}, "resources": [{"type": "file", "path": "/{{vars.outer}}"}]})");
  CHECK(site.mistakes(R"({"vars": {"outer": "x"}, "resources": [
  {"include": "in.json"},
  {"type": "file", "path": "/{{vars.own}}"}]})") == R"(in.json:1:65: error: there is no `vars.outer`
  …rs": {"own": 1}, "resources": [{"type": "file", "path": "/{{vars.outer}}"}]}
                                                               ^
site.json:3:32: error: there is no `vars.own`
    {"type": "file", "path": "/{{vars.own}}"}]}
                                 ^
)");
}

TEST_CASE("What --vars and --set give comes over what an include gives, which comes over the file's own") {
  Site site;
  site.write("in.json", R"({"vars": {"a": "own", "b": "own", "c": "own", "d": "own"}, "resources": [
    {"type": "file", "path": "/{{vars.a}}-{{vars.b}}-{{vars.c}}-{{vars.d}}"}]})");
  site.options.vars_files = {site.write("v.json", R"({"c": "file", "d": "file"})")};
  site.options.sets = {"d=set"};
  const Playbook p = site.load(
      R"({"resources": [{"include": {"file": "in.json", "vars": {"b": "given", "c": "given", "d": "given"}}}]})");
  CHECK(path_of(p, p.plays[0].resources[0]) == "/own-given-file-set");
}

TEST_CASE("files include files, beside themselves") {
  Site site;
  std::filesystem::create_directories(std::filesystem::path(site.write("x", "")).parent_path() / "roles");
  site.write("roles/a.json", R"({"vars": {"v": "a"}, "resources": [
    {"include": {"file": "b.json", "vars": {"v": "{{vars.v}}b"}}}, {"include": "../top.json"}]})");
  site.write("roles/b.json",
             R"({"vars": {"v": ""}, "resources": [{"type": "file", "id": "f", "path": "/{{vars.v}}"}]})");
  site.write("top.json", R"({"resources": [{"type": "file", "id": "f", "path": "/top"}]})");
  const Playbook p = site.load(R"({"resources": [{"include": "roles/a.json"}]})");
  REQUIRE(p.plays[0].resources.size() == 2);
  CHECK(p.plays[0].resources[0].id == "a-b-f");
  CHECK(path_of(p, p.plays[0].resources[0]) == "/ab");
  CHECK(p.plays[0].resources[1].id == "a-top-f");
}

TEST_CASE("files that include each other are refused") {
  Site site;
  site.write("a.json", R"({"resources": [{"include": "b.json"}]})");
  site.write("b.json", R"({"resources": [{"include": {"file": "./a.json"}}]})");
  CHECK(
      site.mistakes(R"({"resources": [{"include": "a.json"}]})") ==
      R"(b.json:1:37: error: files that include each other in a circle: site.json -> a.json -> b.json -> a.json
  {"resources": [{"include": {"file": "./a.json"}}]}
                                      ^
)");
  CHECK(site.mistakes(R"({"resources": [{"include": "site.json"}]})") ==
        R"(site.json:1:28: error: files that include each other in a circle: site.json -> site.json
  {"resources": [{"include": "site.json"}]}
                             ^
)");
}

TEST_CASE("more than sixteen files in each other are refused") {
  Site site;
  for (int i = 0; i < 20; ++i)
    site.write("f" + std::to_string(i) + ".json",
               R"({"resources": [{"include": "f)" + std::to_string(i + 1) + R"(.json"}]})");
  CHECK_THAT(site.mistakes(R"({"resources": [{"include": "f0.json"}]})"),
             Catch::StartsWith("f15.json:1:28: error: more than 16 files are included in each other\n"));
}

TEST_CASE("mistakes of an include are shown where they stand, also in the included file") {
  Site site;
  site.write("in.json", R"({
  "vars": {"port": 80},
  "plays": [],
  "recources": [],
  "resources": [
    {"type": "file", "path": 5},
    {"type": "service", "name": "n", "after": "nobody"},
    {"type": "file", "id": "b", "path": "/b", "content": "{{resources.c.x}}"}
  ]
})");
  site.write("list.json", "[]");
  CHECK(site.mistakes(R"({
  "resources": [
    {"include": {"file": "in.json", "vars": {"prot": 1}}, "for_each": [1]},
    {"include": "missing.json"},
    {"include": "list.json"},
    {"include": {"vars": {}}},
    {"include": {"file": "{{vars.x}}"}},
    {"include": 3},
    {"include": "in.json"}
  ]
})") == R"(site.json:3:46: error: in.json has no var `prot`
      {"include": {"file": "in.json", "vars": {"prot": 1}}, "for_each": [1]},
                                               ^
  hint: did you mean `port`?
site.json:3:59: error: `for_each` cannot stand beside `include`
      {"include": {"file": "in.json", "vars": {"prot": 1}}, "for_each": [1]},
                                                            ^
  hint: an include takes `id`, `when` and `tags`
site.json:4:17: error: missing.json cannot be read: No such file or directory
      {"include": "missing.json"},
                  ^
  hint: it is looked for beside the file that includes it
site.json:6:17: error: `file` is missing
      {"include": {"vars": {}}},
                  ^
  hint: it is the path of the file to take in
site.json:7:26: error: `file` cannot hold `{{`: it must be known before a run
      {"include": {"file": "{{vars.x}}"}},
                           ^
site.json:8:17: error: `include` must be an object such as {"file": "web.json"}, found an integer
      {"include": 3},
                  ^
site.json:9:5: error: two includes give their ids the prefix `in-`
      {"include": "in.json"}
      ^
  hint: give one of them another `id`
site.json:3:5: note: the other stands here
      {"include": {"file": "in.json", "vars": {"prot": 1}}, "for_each": [1]},
      ^
in.json:3:3: error: `plays` cannot stand in a file that is included among resources
    "plays": [],
    ^
  hint: include the file in the place of a play
in.json:4:3: error: unknown key `recources`
    "recources": [],
    ^
  hint: did you mean `resources`?
in.json:6:30: error: `path` must be an absolute path, or one that begins with ~/, found the number 5
      {"type": "file", "path": 5},
                               ^
in.json:7:47: error: there is no resource with the id `nobody`
      {"type": "service", "name": "n", "after": "nobody"},
                                                ^
in.json:8:61: error: there is no resource with the id `c`
  …   {"type": "file", "id": "b", "path": "/b", "content": "{{resources.c.x}}"}
                                                              ^
list.json:1:1: error: a file that is included must be an object, found a list
  []
  ^
)");
}

TEST_CASE("a condition of an include is one of each of its resources") {
  EngineBench b;
  b.site.write("in.json", R"({"vars": {"to": "x"}, "resources": [
    {"type": "link", "id": "a", "path": "/a", "target": "{{vars.to}}"},
    {"type": "link", "path": "/b/{{item}}", "target": "{{resources.a.target}}", "for_each": ["{{vars.to}}"]},
    {"type": "link", "path": "/c", "target": "y", "when": {"vars.to": "z"}}]})");
  b.host.world.f.folder("/b");
  CHECK(b.apply(R"({"vars": {"on": false, "text": "z"}, "resources": [
    {"include": "in.json", "when": {"vars.on": true}},
    {"include": {"file": "in.json", "vars": {"to": "{{vars.text}}"}}, "id": "two"}]})") ==
        Lines{"link[in-a] skipped: vars.on is false, expected true",
              "link[/b/{{item}}] skipped: vars.on is false, expected true",
              "link[/c] skipped: vars.on is false, expected true", "link[two-a] changed",
              "link[/b/z][z] changed", "link[/c] changed"});
  CHECK(b.host.log == Lines{"root: link /a -> z", "root: link /b/z -> z", "root: link /c -> y"});
}

TEST_CASE("an included file's ids are its own behind an item that is a host, not behind another item") {
  Site site;
  site.write("in.json",
             R"({"resources": [{"type": "file", "id": "a", "path": "{{item.value.resources.a.path}}",
    "for_each": "{{hosts}}"}]})");
  const Playbook p = site.load(R"({"resources": [{"include": "in.json"}]})");
  const Resource& resource = p.plays[0].resources[0];
  const auto filled = [&](const Known& inner) {
    const Scopes scopes(p, &inner);
    return interpolate(*resource.parameters.find("path"), scopes.of(resource.include)).as_string();
  };
  CHECK(filled(Known({"item.value.resources.in-a.path"})) == "item.value.resources.in-a.path");
  CHECK(filled(Known({"item.value.resources", "item.value.resources.a.path"})) ==
        "item.value.resources.a.path");
}
