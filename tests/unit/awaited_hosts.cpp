// Plays on hosts that earlier plays of the run bring into being: what the playbook may say, and when the hosts
// join.
#include <algorithm>

#include "hosts/arrival_watch.hpp"
#include "hosts/chosen_hosts.hpp"
#include "hosts/coordinator.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

using Lines = std::vector<std::string>;

Playbook load(const TemporaryFolder& folder, const std::string& text, Diagnostics& diagnostics) {
  LoadOptions options;
  options.home = "/home/ubuntu";
  return load_playbook(folder.file("site.json", text), options, all_modules(), diagnostics);
}

std::string mistakes(const std::string& text) {
  const TemporaryFolder folder;
  Diagnostics diagnostics;
  const Playbook playbook = load(folder, text, diagnostics);
  std::string all;
  for (const Diagnostic& d : diagnostics.list()) all += to_text(d);
  const std::string path = folder / "site.json", name = "site.json";
  for (std::size_t at = all.find(path); at != std::string::npos; at = all.find(path))
    all.replace(at, path.size(), name);
  return all;
}

// The awaited hosts of each play: "box by ssh_host[box] with file[key]".
Lines awaited(const std::string& text) {
  const TemporaryFolder folder;
  Diagnostics diagnostics;
  const Playbook playbook = load(folder, text, diagnostics);
  REQUIRE(diagnostics.empty());
  Lines lines;
  for (const Play& play : playbook.plays)
    for (const AwaitedHost& host : play.awaited) {
      std::string line = host.name + " by";
      for (const std::string& label : host.made_by) line += " " + label;
      for (const std::string& label : host.needs) line += " with " + label;
      lines.push_back(line);
    }
  return lines;
}

// ---- the run ------------------------------------------------------------------------------------------------

struct Script {
  Lines log;
  std::map<std::string, Outcome> outcomes;      // by "HOST LABEL"; the others have changes to make
  std::map<std::string, int> late;              // how many attempts to reach a host fail; -1: all
  std::map<std::string, std::string> wrong;     // by step: "box prepare"
  std::map<std::string, std::string> unusable;  // by host that is reached, and then refused
  std::map<std::string, std::string> mistakes;  // by host, found by its plan
  std::string progress_of;  // the host that reports progress with each resource that it applies
  std::string ssh = "box";  // what resources.box.ssh is
};

class ScriptedHost : public Participant {
 public:
  ScriptedHost(std::string name, const Playbook& playbook, Script& script, EventSink sink)
      : playbook_(playbook), script_(script), sink_(std::move(sink)) {
    values_.name = std::move(name);
  }
  const HostValues& values() const override { return values_; }
  void join() override {
    step("join");
    if (const auto why = script_.unusable.find(values_.name); why != script_.unusable.end())
      throw NotUsable(Error(why->second));
    if (int& left = script_.late[values_.name]; left != 0) {
      left -= left > 0 ? 1 : 0;
      throw Error("connection refused");
    }
    values_.address = "192.0.2.7";
  }
  void begin(Pass pass, const std::vector<std::size_t>&) override {
    real_ = pass == Pass::real;
    result_ = {};
    values_.resources.clear();
  }
  void play(std::size_t index, const std::vector<HostValues>& others) override {
    std::string seen;
    for (const HostValues& other : others)
      for (const auto& [id, instances] : other.resources)
        seen += " " + id +
                (instances.at("").state == Given::State::known     ? ""
                 : instances.at("").state == Given::State::unknown ? "?"
                                                                   : "!");
    step((real_ ? "apply " : "plan ") + std::to_string(index) + seen);
    for (const Resource& resource : playbook_.plays[index].resources) finish(resource);
  }
  PassResult end() override {
    if (const auto m = script_.mistakes.find(values_.name); m != script_.mistakes.end())
      result_.mistakes.add({}, m->second);
    return std::move(result_);
  }
  void prepare() override { step("prepare"); }
  PruneResult prune(const PruneOrder&) override { return {}; }

 private:
  void step(const std::string& what) {
    script_.log.push_back(values_.name + " " + what);
    if (const auto w = script_.wrong.find(values_.name + " " + what); w != script_.wrong.end())
      throw Error(w->second);
  }
  void finish(const Resource& resource) {
    ResourceFinished event;
    event.label = label_of(resource, resource.parameters);
    event.host = values_.name;
    if (real_ && script_.progress_of == values_.name) sink_(ProgressMade{event.label, values_.name, "at work"});
    const auto told = script_.outcomes.find(values_.name + " " + event.label);
    event.outcome = told == script_.outcomes.end() ? Outcome::changed : told->second;
    if (!real_ && (event.outcome == Outcome::changed || event.outcome == Outcome::failed)) {
      event.outcome = Outcome::would_change;
      result_.pending.push_back({{"root"}, event.label});
    }
    ++result_.counts[static_cast<std::size_t>(event.outcome)];
    sink_(event);
    Outputs outputs{Value(Value::Object{}), {}};
    outputs.values.set("ssh", script_.ssh);
    const bool failed = event.outcome == Outcome::failed;
    values_.resources[resource.id][""] = {failed ? Given::State::failed : Given::State::known, event.label,
                                          failed ? event.label : "", std::move(outputs)};
  }

  const Playbook& playbook_;
  Script& script_;
  EventSink sink_;
  HostValues values_;
  bool real_ = false;
  PassResult result_;
};

constexpr const char* by_output = R"({"plays": [
  {"on": "local", "resources": [
    {"id": "box", "type": "ssh_host", "name": "box", "hostname": "192.0.2.7"}]},
  {"on": "{{resources.box.ssh}}", "reach_timeout": "50ms", "resources": [
    {"id": "f", "type": "file", "path": "/srv/f", "content": "x"}]},
  {"on": "local", "resources": [
    {"id": "after", "type": "file", "path": "/srv/a", "content": "{{resources.f.path}}"}]}]})";
constexpr const char* by_name = R"({"plays": [
  {"on": "local", "resources": [
    {"id": "key", "type": "file", "path": "/srv/key", "content": "x"},
    {"id": "alias", "type": "ssh_host", "name": "box", "identity_file": "{{resources.key.path}}"}]},
  {"on": "box", "reach_timeout": "50ms", "resources": [
    {"id": "f", "type": "file", "path": "/srv/f", "content": "x"}]}]})";

struct Stage {
  TemporaryFolder folder;
  Script script;
  Playbook playbook;
  PartSettings selection;
  ConductSettings settings;
  Cancellation cancellation;
  std::set<std::string> refused;  // hosts that may not take part
  Lines told;                     // "box file[f] changed: reason"
  Lines progress;
  bool interrupts = false;  // at the first progress

  explicit Stage(const std::string& text) {
    Diagnostics diagnostics;
    playbook = load(folder, text, diagnostics);
    for (const Diagnostic& d : diagnostics.list()) FAIL(to_text(d));
    settings.forks = 1;
    settings.reach_again = std::chrono::milliseconds(1);
  }
  std::unique_ptr<Participant> participant(const std::string& name, EventSink sink) {
    return std::make_unique<ScriptedHost>(name, playbook, script, std::move(sink));
  }
  void take(const Event& event) {
    if (const auto* r = std::get_if<ResourceFinished>(&event))
      told.push_back(r->host + " " + r->label + " " + to_text(r->outcome) +
                     (r->reason.empty() ? "" : ": " + r->reason));
    if (const auto* p = std::get_if<ProgressMade>(&event)) {
      progress.push_back(p->host + ": " + p->doing);
      if (interrupts) cancellation.cancel();
    }
  }
  Conclusion go() {
    settings.participant = [this](const std::string& name, const std::vector<std::size_t>&,
                                  EventSink sink) -> std::unique_ptr<Participant> {
      return refused.contains(name) ? nullptr : participant(name, std::move(sink));
    };
    Coordinator coordinator(playbook, settings, cancellation, [this](const Event& e) { take(e); });
    for (const CastHost& host : cast_plays(playbook, {})) {
      if (host.awaited) {
        coordinator.add_awaited(*host.awaited, host.plays, selection);
        continue;
      }
      EventSink sink = coordinator.sink();
      coordinator.add(participant(host.name, std::move(sink)), host.plays);
    }
    return coordinator.go();
  }
};

std::uint64_t count(const Conclusion& conclusion, Outcome outcome) {
  return conclusion.counts[static_cast<std::size_t>(outcome)];
}
std::string error_of(const Conclusion& conclusion, const std::string& host) {
  for (const HostFinished& h : conclusion.hosts)
    if (h.host == host) return h.error;
  return "no such host";
}

}  // namespace

TEST_CASE("A play may be on what resources of an earlier play on local give or name") {
  CHECK(awaited(by_output) == Lines{"{{resources.box.ssh}} by ssh_host[box]"});
  CHECK(awaited(by_name) == Lines{"box by ssh_host[alias] with file[key]"});
  CHECK(awaited(R"({"vars": {"alias": "x"}, "plays": [
    {"on": "local", "resources": [{"type": "ssh_host", "name": "{{vars.alias}}1"},
      {"id": "all", "type": "ssh_host", "name": "{{item}}", "for_each": ["a", "b"]}]},
    {"on": ["other", "x1", "b"], "resources": []}, {"on": "x1", "resources": []}]})") ==
        Lines{"x1 by ssh_host[x1]", "b by ssh_host[all][b]"});
}

TEST_CASE("A host that an earlier play is on already is not awaited, and one that local does not make") {
  CHECK(awaited(R"({"plays": [{"on": "box", "resources": []},
    {"on": "local", "resources": [{"type": "ssh_host", "name": "box"}]},
    {"on": "box", "resources": []}]})")
            .empty());
  CHECK(awaited(R"({"plays": [{"on": "gate", "resources": [{"type": "ssh_host", "name": "box"}]},
    {"on": "box", "resources": []}]})")
            .empty());
}

TEST_CASE("Mistakes in what a play is on are reported with their place") {
  CHECK(mistakes(R"({"plays": [
  {"on": "{{resources.later.ssh}}", "resources": []},
  {"on": "local", "resources": [
    {"id": "later", "type": "ssh_host", "name": "a"},
    {"id": "box", "type": "ssh_host", "name": "b"}]},
  {"on": ["local", "{{resources.bos.ssh}}"], "resources": []},
  {"on": "web1", "resources": [
    {"id": "there", "type": "ssh_host", "name": "c"}]},
  {"on": "{{resources.there.ssh}}", "resources": []},
  {"on": "{{resources.box.ssh}}-{{facts.os.id}}", "resources": []},
  {"on": "a", "reach_timeout": "soon", "resources": []}
]})") == R"(site.json:2:13: error: `later` comes later: only an earlier resource can be referred to
    {"on": "{{resources.later.ssh}}", "resources": []},
              ^
site.json:4:12: note: it stands here
      {"id": "later", "type": "ssh_host", "name": "a"},
             ^
site.json:6:23: error: there is no resource with the id `bos`
    {"on": ["local", "{{resources.bos.ssh}}"], "resources": []},
                        ^
  hint: did you mean `box`?
site.json:9:13: error: `there` is not in a play on local: only such a play can tell where a later one runs
    {"on": "{{resources.there.ssh}}", "resources": []},
              ^
  hint: give its play "on": "local"
site.json:8:12: note: it stands here
      {"id": "there", "type": "ssh_host", "name": "c"}]},
             ^
site.json:10:35: error: `on` cannot refer to `facts`
    {"on": "{{resources.box.ssh}}-{{facts.os.id}}", "resources": []},
                                    ^
  hint: it may refer to vars, env, and resources of earlier plays on local
site.json:11:32: error: `reach_timeout` must be a time such as "10s" (ms, s, m, h, d), found the text "soon"
    {"on": "a", "reach_timeout": "soon", "resources": []}
                                 ^
)");
}

TEST_CASE("A plan lists the resources of a host that waits as unknown, and names what they wait for") {
  Stage stage(by_output);
  stage.settings.dry = true;
  const Conclusion c = stage.go();
  CHECK(stage.script.log == Lines{"local join", "local plan 0", "local plan 2 f?"});
  CHECK(stage.told == Lines{"local ssh_host[box] would_change",
                            "{{resources.box.ssh}} file[f] unknown: waits for ssh_host[box]",
                            "local file[after] would_change"});
  CHECK(count(c, Outcome::unknown) == 1);
  CHECK_FALSE(c.not_started);
}

TEST_CASE("A host with nothing pending before it joins in the plan, under its name") {
  Stage stage(by_output);
  stage.settings.dry = true;
  stage.script.outcomes["local ssh_host[box]"] = Outcome::ok;
  const Conclusion c = stage.go();
  CHECK(stage.script.log ==
        Lines{"local join", "local plan 0", "box join", "box plan 1 box", "local plan 2 f"});
  CHECK(stage.told ==
        Lines{"local ssh_host[box] ok", "box file[f] would_change", "local file[after] would_change"});
  CHECK(error_of(c, "box").empty());
}

TEST_CASE(
    "The real run reaches the host after the plays that make it, plans all of it, shows that, and applies") {
  Stage stage(by_output);
  const Conclusion c = stage.go();
  CHECK(stage.script.log == Lines{"local join", "local plan 0", "local plan 2 f?", "local prepare",
                                  "local apply 0 f?", "box join", "box plan 1 after? box", "box prepare",
                                  "box apply 1 after? box", "local apply 2 f"});
  CHECK(stage.told == Lines{"local ssh_host[box] changed", "box file[f] would_change", "box file[f] changed",
                            "local file[after] changed"});
  CHECK(count(c, Outcome::changed) == 3);
  CHECK(count(c, Outcome::unknown) + count(c, Outcome::would_change) == 0);
  CHECK(c.touched);
  CHECK(error_of(c, "box").empty());
}

TEST_CASE("A host that answers late is tried again, and each reason is shown") {
  Stage stage(by_name);
  stage.playbook.plays[1].reach_timeout_ms = 60'000;
  stage.script.late["box"] = 3;
  const Conclusion c = stage.go();
  CHECK(std::count(stage.script.log.begin(), stage.script.log.end(), "box join") == 4);
  CHECK(stage.progress == Lines(3, "box: connection refused"));
  CHECK(stage.told.back() == "box file[f] changed");
  CHECK_FALSE(c.not_started);
}

TEST_CASE("A host that never answers fails in time; its resources are skipped, and the rest is recorded") {
  Stage stage(by_output);
  stage.script.late["box"] = -1;
  const Conclusion c = stage.go();
  CHECK(error_of(c, "box").starts_with("box was not reached within 0.05 s: connection refused"));
  CHECK(stage.told == Lines{"local ssh_host[box] changed",
                            "box file[f] skipped: box was not reached within 0.05 s: connection refused",
                            "local file[after] changed"});
  CHECK(stage.script.log.back() == "local apply 2 f!");
  CHECK(c.touched);
  CHECK_FALSE(c.not_started);
}

TEST_CASE("A host that is reached, and on which nothing may be done, is not tried again") {
  Stage stage(by_output);
  stage.playbook.plays[1].reach_timeout_ms = 60'000;
  stage.script.unusable["box"] = "its key is not replaced";
  const Conclusion c = stage.go();
  CHECK(std::count(stage.script.log.begin(), stage.script.log.end(), "box join") == 1);
  CHECK(error_of(c, "box") == "its key is not replaced");
  CHECK(stage.told[1] == "box file[f] skipped: its key is not replaced");
}

TEST_CASE("Where the earlier play fails, the host is not looked for, and the cause is named") {
  Stage stage(by_output);
  stage.script.outcomes["local ssh_host[box]"] = Outcome::failed;
  stage.go();
  CHECK(stage.told[1] == "{{resources.box.ssh}} file[f] skipped: ssh_host[box] failed");
  CHECK(std::count(stage.script.log.begin(), stage.script.log.end(), "box join") == 0);
}

TEST_CASE("A host that is not reached in a plan waits for what it needs, where that is pending") {
  Stage stage(by_name);
  stage.settings.dry = true;
  stage.script.outcomes["local ssh_host[alias]"] = Outcome::ok;
  stage.script.late["box"] = -1;
  SECTION("the key is to be made") {
    const Conclusion c = stage.go();
    CHECK(stage.told.back() == "box file[f] unknown: waits for file[key]");
    CHECK_FALSE(c.not_started);
  }
  SECTION("nothing is pending: it is an error as for any host") {
    stage.script.outcomes["local file[key]"] = Outcome::ok;
    const Conclusion c = stage.go();
    CHECK(error_of(c, "box") == "connection refused");
    CHECK(c.not_started);
  }
}

TEST_CASE("A late host whose plan is wrong, or that may not act, is not touched") {
  Stage stage(by_output);
  SECTION("its plan has a mistake") {
    stage.script.mistakes["box"] = "conflict";
    const Conclusion c = stage.go();
    REQUIRE(c.mistakes.size() == 1);
    CHECK_FALSE(c.early);
    CHECK(error_of(c, "box") == "its plan has mistakes; nothing was touched there");
  }
  SECTION("it may not act") {
    stage.script.wrong["box prepare"] = "no sudo";
    CHECK(error_of(stage.go(), "box") == "no sudo");
  }
  CHECK(std::none_of(stage.script.log.begin(), stage.script.log.end(),
                     [](const std::string& line) { return line.starts_with("box apply"); }));
}

TEST_CASE("With --serial, a failure before a host has come keeps it from being looked for") {
  Stage stage(R"({"plays": [
    {"on": "local", "resources": [
      {"id": "alias", "type": "ssh_host", "name": "box", "hostname": "192.0.2.7"},
      {"id": "other", "type": "file", "path": "/srv/other", "content": "x"}]},
    {"on": "box", "resources": [{"id": "f", "type": "file", "path": "/srv/f", "content": "x"}]}]})");
  stage.settings.serial = 1;
  stage.script.outcomes["local file[other]"] = Outcome::failed;
  const Conclusion c = stage.go();
  CHECK(stage.script.log == Lines{"local join", "local plan 0", "local prepare", "local apply 0 f?"});
  CHECK(stage.told.back() == "box file[f] unknown: waits for ssh_host[alias]");
  CHECK(error_of(c, "box") == "not begun: local failed");
}

TEST_CASE("An interruption ends the wait for a late host, and nothing is done there") {
  Stage stage(by_name);
  stage.playbook.plays[1].reach_timeout_ms = 60'000;
  stage.script.late["box"] = -1;
  stage.interrupts = true;
  const Conclusion c = stage.go();
  CHECK(c.interrupted);
  CHECK(error_of(c, "box") == "interrupted");
  CHECK(stage.told.back() == "box file[f] skipped: interrupted");
  CHECK(std::none_of(stage.script.log.begin(), stage.script.log.end(), [](const std::string& line) {
    return line.starts_with("box plan") || line.starts_with("box apply");
  }));
}

TEST_CASE("An interruption before a host has come leaves it as it is, and says so") {
  Stage stage(by_name);
  stage.interrupts = true;
  stage.script.progress_of = "local";
  const Conclusion c = stage.go();
  CHECK(c.interrupted);
  CHECK(error_of(c, "box") == "not begun: interrupted");
  CHECK(std::none_of(stage.script.log.begin(), stage.script.log.end(),
                     [](const std::string& line) { return line.starts_with("box "); }));
}

TEST_CASE("A host that is not in the saved plan waits for another one") {
  Stage stage(by_output);
  stage.refused = {"box"};
  const Conclusion c = stage.go();
  CHECK(stage.told ==
        Lines{"local ssh_host[box] changed",
              "box file[f] unknown: waits for another plan: this one was made before the host was "
              "there",
              "local file[after] changed"});
  CHECK(count(c, Outcome::unknown) == 1);
  CHECK(error_of(c, "box").empty());
}

TEST_CASE("What an output gives must be the name of a host that has no other plays") {
  Stage stage(by_output);
  SECTION("no name") {
    stage.script.ssh = "-oProxyCommand=x";
    const Conclusion c = stage.go();
    REQUIRE(c.mistakes.size() == 1);
    CHECK(c.mistakes.list()[0].message == "`on` is filled in: `-oProxyCommand=x` is no name of a host");
  }
  SECTION("this machine") {
    stage.script.ssh = "local";
    CHECK(stage.go().hosts[1].error.starts_with("local has other plays in this run"));
  }
  CHECK(std::count(stage.script.log.begin(), stage.script.log.end(), "box join") == 0);
}

TEST_CASE("Plays that name one host in two ways are planned there together") {
  Stage stage(R"({"plays": [
    {"on": "local", "resources": [{"id": "box", "type": "ssh_host", "name": "box"}]},
    {"on": "{{resources.box.ssh}}", "resources": [{"id": "f", "type": "file", "path": "/srv/f"}]},
    {"on": "box", "resources": [{"id": "g", "type": "file", "path": "/srv/g"}]}]})");
  const Conclusion c = stage.go();
  CHECK(stage.script.log == Lines{"local join", "local plan 0", "local prepare", "local apply 0 f? g?",
                                  "box join", "box plan 1 box", "box plan 2 box", "box prepare",
                                  "box apply 1 box", "box apply 2 box"});
  CHECK(c.hosts.size() == 2);
}

TEST_CASE("A play whose condition is known not to match needs no host") {
  Stage stage(R"({"vars": {"power": "stopped"}, "plays": [
    {"on": "local", "resources": [{"id": "box", "type": "ssh_host", "name": "box"}]},
    {"on": "{{resources.box.ssh}}", "when": {"vars.power": "running"},
     "resources": [{"id": "f", "type": "file", "path": "/srv/f"}]}]})");
  stage.go();
  CHECK(stage.told.back() == "{{resources.box.ssh}} file[f] skipped: vars.power is stopped, expected running");
  CHECK(std::count(stage.script.log.begin(), stage.script.log.end(), "box join") == 0);
}

TEST_CASE("With a selection, only selected resources are listed, and no host is reached for nothing") {
  Stage stage(by_output);
  SECTION("nothing there, and nothing later") {
    stage.selection.only = {"box"};
    stage.go();
    CHECK(std::none_of(stage.told.begin(), stage.told.end(),
                       [](const std::string& line) { return line.find("file[f]") != line.npos; }));
    CHECK(std::count(stage.script.log.begin(), stage.script.log.end(), "box join") == 0);
  }
  SECTION("what a later play refers to") {
    stage.selection.only = {"after"};
    stage.go();
    CHECK(std::count(stage.script.log.begin(), stage.script.log.end(), "box join") == 1);
  }
}
