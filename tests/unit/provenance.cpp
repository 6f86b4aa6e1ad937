// Where the values of a resource come from.
#include "playbook/provenance.hpp"

#include "support/catch.hpp"
#include "support/site.hpp"

using namespace mlops;
using test::Site;

namespace {

// Each step in a line, indented by its depth, the site's folder left out.
std::string told(const Playbook& p, const Resource& r, const std::string& folder) {
  std::string all;
  for (const ParameterProvenance& parameter : provenance(p, r)) {
    all += parameter.parameter + ":\n";
    for (const ProvenanceStep& step : parameter.steps)
      all += std::string(2 * step.depth + 2, ' ') + to_text(step) + "\n";
  }
  for (std::size_t at = all.find(folder); at != std::string::npos; at = all.find(folder, at))
    all.erase(at, folder.size());
  return all;
}

}  // namespace

TEST_CASE("each value is followed to where it was given") {
  Site site;
  const std::string vars = site.write("vars.json", R"({"name": "{{vars.first}}-x"})");
  const std::string folder = vars.substr(0, vars.rfind('/') + 1);
  site.options.vars_files = {vars};
  site.options.sets = {"first=b"};
  const Playbook p = site.load(R"({
  "vars": {"name": "n", "first": "a", "box": {"in": "{{env.HOME}}"}},
  "secrets": {"token": {"env": "TOKEN"}},
  "resources": [
    {"type": "file", "id": "other", "path": "/other"},
    {"type": "file", "path": "/{{vars.name}}/{{vars.box.in}}/{{item}}", "for_each": ["{{vars.first}}"],
     "content": "{{secrets.token}} {{resources.other.path}} {{facts.os.id}}", "mode": "0600", "when": {"vars.first": "b"}}
  ]
})");
  CHECK(told(p, p.plays[0].resources[1], folder) == R"(when:
  {"vars.first":"b"} at site.json:7:103
    vars.first is "b", set by --set:1:7
    in the place of site.json:2:34
for_each:
  ["{{vars.first}}"] at site.json:6:85
    vars.first is "b", set by --set:1:7
    in the place of site.json:2:34
path:
  "/{{vars.name}}/{{vars.box.in}}/{{item}}" at site.json:6:30
    vars.name is "{{vars.first}}-x", set by --vars at vars.json:1:10
    in the place of site.json:2:20
      vars.first is "b", set by --set:1:7
      in the place of site.json:2:34
    vars.box.in is "{{env.HOME}}" at site.json:2:53
      env.HOME is of the environment where the command is typed
    item is of the for_each ["{{vars.first}}"] at site.json:6:85
      vars.first is "b", set by --set:1:7
      in the place of site.json:2:34
content:
  "{{secrets.token}} {{resources.other.path}} {{facts.os.id}}" at site.json:7:17
    secrets.token is ***, read as site.json:3:32 says
    resources.other.path is an output of the resource at site.json:5:5
    facts.os.id is a fact of the machine
mode:
  "0600" at site.json:7:87
)");
}

TEST_CASE("through includes, to the vars of the file that includes") {
  Site site;
  const std::string in = site.write("in.json", R"({"vars": {"port": 80, "own": "o"}, "resources": [
  {"type": "file", "path": "/{{vars.port}}{{vars.own}}"}]})");
  const Playbook p = site.load(R"({"vars": {"p": 8080}, "resources": [
  {"include": {"file": "in.json", "vars": {"port": "{{vars.p}}"}}, "when": {"vars.p": 8080}}]})");
  CHECK(told(p, p.plays[0].resources[0], in.substr(0, in.rfind('/') + 1)) == R"(when:
  {"vars.p":8080} at site.json:2:76
    vars.p is 8080 at site.json:1:16
path:
  "/{{vars.port}}{{vars.own}}" at in.json:2:28
    vars.port is "{{vars.p}}", set by the include at site.json:2:52
    in the place of in.json:1:19
      vars.p is 8080 at site.json:1:16
    vars.own is "o" at in.json:1:30
)");
}

TEST_CASE("vars that refer to each other in a circle end somewhere") {
  Site site;
  Playbook p = site.load(R"({"vars": {"a": "x"}, "resources": [{"type": "file", "path": "/{{vars.a}}"}]})");
  p.vars.set("a", "{{vars.a}}{{vars.a}}");
  const auto all = provenance(p, p.plays[0].resources[0]);
  REQUIRE(all.size() == 1);
  CHECK(all[0].steps.size() == 2);
}
