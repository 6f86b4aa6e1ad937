#include "playbook/playbook.hpp"

#include "playbook/variables.hpp"
#include "support/catch.hpp"
#include "support/site.hpp"
#include "support/tree_scope.hpp"

using namespace mlops;
using test::Site;

TEST_CASE("a playbook is read with all that it says") {
  Site site;
  const Playbook p = site.load(R"({
  // Comments may stand anywhere.
  "$schema": "mlops-agent.schema.json",
  "name": "all of it",
  "vars": {"folder": "/srv"},
  "plays": [
    {
      "name": "first",
      "on": "local",
      "when": {"facts.os.id": "debian"},
      "resources": [
        {
          "type": "file",
          "id": "conf",
          "path": "{{vars.folder}}/{{item}}",
          "content": "x",
          "for_each": ["a", "b"],
          "when": {"item": {"not": "c"}},
          "tags": "web",
          "as": "{{facts.user.name}}",
          "notify": ["server"]
        },
        {"type": "service", "id": "server", "name": "nginx", "after": ["conf"], "tags": ["web", "run"]}
      ]
    },
    {"resources": []}
  ],
  "show": ["see {{vars.folder}} and {{resources.conf.path}}"]
})");
  CHECK(p.name == "all of it");
  CHECK(to_json(p.vars) == R"({"folder":"/srv"})");
  REQUIRE(p.plays.size() == 2);
  const Play& play = p.plays[0];
  CHECK(play.name == "first");
  CHECK(play.on == std::vector<std::string>{"local"});
  CHECK(to_json(play.when) == R"({"facts.os.id":"debian"})");
  REQUIRE(play.resources.size() == 2);
  const Resource& file = play.resources[0];
  CHECK(file.module->type == "file");
  CHECK(file.id == "conf");
  CHECK(to_json(file.parameters) == R"({"path":"{{vars.folder}}/{{item}}","content":"x"})");
  CHECK(file.needs_filling);
  CHECK(to_json(file.for_each) == R"(["a","b"])");
  CHECK(to_json(file.when) == R"({"item":{"not":"c"}})");
  CHECK(file.tags == std::vector<std::string>{"web"});
  CHECK(file.as == "{{facts.user.name}}");
  CHECK(file.notify == std::vector<std::string>{"server"});
  CHECK(file.where.line == 12);
  CHECK(file.where.column == 9);
  const Resource& service = play.resources[1];
  CHECK_FALSE(service.needs_filling);
  CHECK(service.after == std::vector<std::string>{"conf"});
  CHECK(service.tags == std::vector<std::string>{"web", "run"});
  CHECK(p.plays[1].on.empty());
  REQUIRE(p.show.size() == 1);
}

TEST_CASE("resources at the top are short for one play") {
  Site site;
  const Playbook p = site.load(R"({"resources": [{"type": "file", "path": "/a"}]})");
  REQUIRE(p.plays.size() == 1);
  CHECK(p.plays[0].on.empty());
  CHECK(p.plays[0].resources.size() == 1);
}

TEST_CASE("vars files come over the playbook's vars, in order, and --set over all") {
  Site site;
  site.options.vars_files = {site.write("1.json", R"({"a": "file 1", "b": "file 1", "more": 1})"),
                             site.write("2.json", R"({"b": "file 2", "c": "file 2"})")};
  site.options.sets = {"c=set", "more=2"};
  CHECK(to_json(
            site.load(R"({"vars": {"a": "own", "b": "own", "c": "own", "d": "own"}, "resources": []})").vars) ==
        R"({"a":"file 1","b":"file 2","c":"set","d":"own","more":2})");
}

TEST_CASE("a --set keeps the kind of the default") {
  struct Row {
    const char *set, *vars;
  };
  const auto row = GENERATE(
      Row{"text=1.10", R"({"text":"1.10","int":1,"num":1.5,"on":false,"list":[],"obj":{"a":"x"},"null":null})"},
      Row{"text={\"a\": 1}",
          R"({"text":"{\"a\": 1}","int":1,"num":1.5,"on":false,"list":[],"obj":{"a":"x"},"null":null})"},
      Row{"text=", R"({"text":"","int":1,"num":1.5,"on":false,"list":[],"obj":{"a":"x"},"null":null})"},
      Row{"int=-7", R"({"text":"t","int":-7,"num":1.5,"on":false,"list":[],"obj":{"a":"x"},"null":null})"},
      Row{"num=2", R"({"text":"t","int":1,"num":2,"on":false,"list":[],"obj":{"a":"x"},"null":null})"},
      Row{"on=true", R"({"text":"t","int":1,"num":1.5,"on":true,"list":[],"obj":{"a":"x"},"null":null})"},
      Row{"list=[1, \"b\"]",
          R"({"text":"t","int":1,"num":1.5,"on":false,"list":[1,"b"],"obj":{"a":"x"},"null":null})"},
      Row{"obj={}", R"({"text":"t","int":1,"num":1.5,"on":false,"list":[],"obj":{},"null":null})"},
      Row{"obj.a=y=z", R"({"text":"t","int":1,"num":1.5,"on":false,"list":[],"obj":{"a":"y=z"},"null":null})"},
      Row{"null=[3]", R"({"text":"t","int":1,"num":1.5,"on":false,"list":[],"obj":{"a":"x"},"null":[3]})"},
      Row{"null=word", R"({"text":"t","int":1,"num":1.5,"on":false,"list":[],"obj":{"a":"x"},"null":"word"})"});
  CAPTURE(row.set);
  Site site;
  site.options.sets = {row.set};
  const Playbook p = site.load(
      R"({"vars": {"text": "t", "int": 1, "num": 1.5, "on": false, "list": [], "obj": {"a": "x"}, "null": null},
          "resources": []})");
  CHECK(to_json(p.vars) == row.vars);
}

TEST_CASE("a mistake in a --set value or in a --vars file is shown where it stands") {
  Site site;
  site.options.sets = {"folder=/srv/{{facts.oss.id}}"};
  CHECK(site.mistakes(
            R"({"vars": {"folder": ""}, "resources": [{"type": "file", "path": "{{vars.folder}}"}]})") ==
        "--set:1:15: error: there is no `facts.oss`\n"
        "  folder=/srv/{{facts.oss.id}}\n"
        "                ^\n"
        "  hint: did you mean `os`?\n");
  site.options.sets.clear();
  site.options.vars_files = {site.write("vars.json", R"(["x"])")};
  CHECK(site.mistakes(R"({"resources": []})") ==
        "vars.json:1:1: error: a file of vars must be an object, found a list\n"
        "  [\"x\"]\n"
        "  ^\n");
}

TEST_CASE("a file that cannot be read is named with the reason") {
  Site site;
  CHECK(site.mistakes_of("none.json") == "none.json: error: cannot be read: No such file or directory\n");
  CHECK(site.mistakes_of(".") == ".: error: it is a folder, not a file\n");
}

TEST_CASE("default and exists allow for what may not be there") {
  Site site;
  CHECK(site.mistakes(R"({
  "resources": [
    {"type": "file", "path": "/a", "content": "{{vars.none | default('x')}} {{env.MLOPS_TEST_NOT_SET | default('')}}"},
    {"type": "file", "path": "/b", "when": {"env.MLOPS_TEST_NOT_SET": {"exists": true}}},
    {"type": "file", "for_each": [{"a": 1}, {}], "path": "/{{item.a | default(2)}}"},
    {"type": "file", "path": "/c", "content": "{{facts.user.groups[0]}}"}
  ]
})") == "");
}

TEST_CASE("four braces reach the module as two") {
  Site site;
  const Playbook p = site.load(R"({"resources": [{"type": "file", "path": "/a", "content": "{{{{.ID}}"}]})");
  const Resource& resource = p.plays[0].resources[0];
  REQUIRE(resource.needs_filling);
  const Variables scope(p.vars, nullptr);
  CHECK(interpolate(resource.parameters, scope).find("content")->as_string() == "{{.ID}}");
}

TEST_CASE("for_each repeats over lists and objects") {
  test::Texts texts;
  Diagnostics diagnostics;
  const auto shown = [&](const std::string& json) {
    std::string all;
    for (const auto& [key, item] : expand_for_each(texts(json), diagnostics))
      all += key + "=" + to_json(item) + " ";
    return all;
  };
  CHECK(shown(R"(["a", 2, {"x": 1}, true])") == R"(a="a" 2=2 2={"x":1} 3=true )");
  CHECK(diagnostics.size() == 1);  // the key 2 is there twice
  CHECK(shown(R"({"one": 1, "two": {"x": 2}})") ==
        R"(one={"key":"one","value":1} two={"key":"two","value":{"x":2}} )");
  CHECK(shown("[]") == "");
  CHECK(diagnostics.size() == 1);
}

TEST_CASE("a resource is called by its type, its id or what it is about") {
  Site site;
  const Playbook p = site.load(R"({"resources": [
    {"type": "package", "names": ["a", "b"]},
    {"type": "package", "id": "tools", "names": ["c"]},
    {"type": "package", "names": ["first-of-long-names", "second-of-long-names", "third-of-long-names"]},
    {"type": "file", "path": "~/x"}
  ]})");
  const auto label = [&](std::size_t i, const std::string& key = "") {
    const Resource& r = p.plays[0].resources[i];
    return label_of(r, r.parameters, key);
  };
  CHECK(label(0) == "package[a, b]");
  CHECK(label(1) == "package[tools]");
  CHECK(label(1, "k") == "package[tools][k]");
  CHECK(label(2) == "package[first-of-long-names, …]");
  CHECK(label(3) == "file[~/x]");
}

TEST_CASE("a resource with a script and without an id is called by the script's first words") {
  const Module* command = find_module("command");
  REQUIRE(command);
  const auto label = [&](const char* shell) {
    Resource r;
    r.module = command;
    r.parameters = Value(Value::Object{});
    r.parameters.set("shell", shell);
    return label_of(r, r.parameters);
  };
  CHECK(label("make install") == "command[make install]");
  CHECK(label("#!/bin/sh\n\n  # all of it\n  cd /srv && make\n") == "command[cd /srv && make]");
  CHECK(label("set -eu\nmake\n") == "command[set -eu …]");
  CHECK(label("curl --fail --silent https://example.org/a/long/path | sh") ==
        "command[curl --fail --silent …]");
  CHECK(label("") == "command[]");
}

TEST_CASE("resources can be given as values: braces in them are text, and their mistakes are reported") {
  Value file(Value::Object{});
  file.set("type", "file");
  file.set("path", "/srv/{{name}}");
  file.set("state", "absent");
  file.set("as", "ada");
  Diagnostics mistakes;
  const Playbook p = playbook_of("what is gone", {file}, "/home/ada", all_modules(), mistakes);
  REQUIRE(mistakes.empty());
  CHECK(p.path == "what is gone");
  REQUIRE(p.plays.size() == 1);
  REQUIRE(p.plays[0].resources.size() == 1);
  const Resource& resource = p.plays[0].resources[0];
  CHECK(label_of(resource, resource.parameters) == "file[/srv/{{name}}]");
  CHECK_FALSE(resource.needs_filling);
  CHECK(resource.as == "ada");

  Value unknown(Value::Object{});
  unknown.set("type", "fil");
  Value wrong(Value::Object{});
  wrong.set("type", "file");
  wrong.set("pth", "/x");
  static_cast<void>(playbook_of("wrong", {unknown, wrong}, "/home/ada", all_modules(), mistakes));
  CHECK(mistakes.size() >= 2);
}
