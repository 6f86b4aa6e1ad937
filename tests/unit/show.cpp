// The lines after success: which are shown, and for which host and key.
#include "engine/show.hpp"

#include "support/catch.hpp"
#include "support/site.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

Given known(Value values) { return {Given::State::known, "it", "", {std::move(values), {}}}; }

Value with(std::string name, Value value, bool secret = false) {
  Value v;
  v.set(std::move(name), std::move(value)).secret = secret;
  return v;
}

struct Showing {
  Site site;
  std::vector<HostValues> hosts{{.name = "local"}};
  Diagnostics mistakes;
  // "url http://x", a line each; *** before a secret one.
  std::string lines(const std::string& show) {
    const Playbook playbook = site.load(R"({"show": )" + show + R"(, "resources": [
      {"type": "file", "id": "jupyter", "path": "/j"},
      {"type": "file", "id": "forward", "path": "/{{item}}", "for_each": ["web1", "web2"]}]})");
    const Facts facts({"ubuntu", "/home/ubuntu", "/bin/bash", 1000, 1000});
    std::string all;
    for (const ShownLine& line : show_lines(playbook, facts, hosts, mistakes))
      all += (line.secret ? "*** " : "") + line.text + "\n";
    return all;
  }
};

}  // namespace

TEST_CASE("a line to show is shown where its condition is true") {
  Showing s;
  s.hosts[0].resources["jupyter"][""] = known(with("url", "http://x"));
  CHECK(s.lines(R"(["always", {"text": "here: {{resources.jupyter.url}}", "when": {"hosts": {"exists": false}}},
                    {"text": "there", "when": {"hosts": {"exists": true}}}, {"text": "plain"}])") ==
        "always\nhere: http://x\nplain\n");
  s.hosts.push_back({.name = "web1"});
  CHECK(s.lines(R"([{"text": "here", "when": {"hosts": {"exists": false}}},
                    {"text": "there", "when": {"hosts": {"exists": true}}}])") == "there\n");
}

TEST_CASE("a line about a resource of several hosts is shown for each") {
  Showing s;
  for (const char* name : {"web1", "web2"}) {
    s.hosts.push_back({.name = name});
    s.hosts.back().resources["jupyter"][""] = known(with("url", std::string("http://") + name, true));
  }
  CHECK(s.lines(R"(["Jupyter: {{resources.jupyter.url}}"])") ==
        "*** web1: Jupyter: http://web1\n*** web2: Jupyter: http://web2\n");
}

TEST_CASE("a line about a repeated resource is shown for each key, with the outputs of the host of that name") {
  Showing s;
  for (const char* name : {"web1", "web2"}) {
    s.hosts.push_back({.name = name});
    s.hosts.back().resources["jupyter"][""] = known(with("path", std::string("/?token=") + name, true));
  }
  s.hosts[0].resources["forward"]["web1"] = known(with("url", "http://127.0.0.1:8888"));
  const std::string show = R"(["Jupyter: {{resources.forward.url}}{{resources.jupyter.path}}"])";
  s.hosts.pop_back();
  CHECK(s.lines(show) == "*** Jupyter: http://127.0.0.1:8888/?token=web1\n");
  s.hosts.push_back({.name = "web2"});
  s.hosts.back().resources["jupyter"][""] = known(with("path", "/?token=web2", true));
  s.hosts[0].resources["forward"]["web2"] = known(with("url", "http://127.0.0.1:8889"));
  CHECK(s.lines(show) ==
        "*** web1: Jupyter: http://127.0.0.1:8888/?token=web1\n"
        "*** web2: Jupyter: http://127.0.0.1:8889/?token=web2\n");
  CHECK(s.lines(R"(["{{resources.forward.web2.url}}"])") == "http://127.0.0.1:8889\n");
  CHECK(s.mistakes.empty());
}

TEST_CASE("a line about what was skipped, failed or is not known is left out, of several keys only that one") {
  Showing s;
  s.hosts[0].resources["jupyter"][""] = {Given::State::skipped, "it", "", {}};
  s.hosts[0].resources["forward"]["web1"] = known(with("url", "http://1"));
  s.hosts[0].resources["forward"]["web2"] = {Given::State::failed, "it", "it", {}};
  CHECK(s.lines(R"(["{{resources.jupyter.path}}", "{{resources.forward.url}}"])") == "web1: http://1\n");
  s.hosts[0].resources["forward"] = {{"", {Given::State::skipped, "it", "", {}}}};
  CHECK(s.lines(R"(["{{resources.forward.url}}"])") == "");
  s.hosts[0].resources["jupyter"][""] = {Given::State::known, "it", "", {with("port", 1), {"url"}}};
  CHECK(s.lines(R"(["{{resources.jupyter.url}}", "{{resources.jupyter.port}}"])") == "1\n");
  CHECK(s.mistakes.empty());
}

TEST_CASE("mistakes in lines to show") {
  Site site;
  CHECK(site.mistakes(R"({"show": [{"txt": "a"}], "resources": []})") ==
        "site.json:1:11: error: `text` is missing\n"
        "  {\"show\": [{\"txt\": \"a\"}], \"resources\": []}\n"
        "            ^\n"
        "  hint: it is what is printed\n"
        "site.json:1:12: error: unknown key `txt`\n"
        "  {\"show\": [{\"txt\": \"a\"}], \"resources\": []}\n"
        "             ^\n"
        "  hint: did you mean `text`?\n");
  CHECK(site.mistakes(R"({"show": [{"text": 1, "when": {"vars.x": 1}}], "vars": {}, "resources": []})")
            .find("`text` must be a text, found an integer") != std::string::npos);
  CHECK(site.mistakes(R"({"show": [{"text": "a", "when": {"vars.x": 1}}], "vars": {}, "resources": []})")
            .find("there is no `vars.x`") != std::string::npos);
}
