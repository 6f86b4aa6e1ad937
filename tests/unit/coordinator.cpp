// Which plays run where, in what order, and what becomes of a run whose hosts drop out.
#include "hosts/coordinator.hpp"

#include <algorithm>

#include "hosts/chosen_hosts.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

using Lines = std::vector<std::string>;

// A host whose plays are lines of a log.
struct Script {
  Lines log;  // shared by all hosts: in the order of what they did
  std::mutex mutex;
  void note(const std::string& line) {
    const std::lock_guard lock(mutex);
    log.push_back(line);
  }
  // What goes wrong: "web1 join", "web1 plan 0", "web1 apply 1", "web1 prepare".
  std::map<std::string, std::string> wrong;
  std::set<std::string> settled;                // hosts with nothing to do
  std::set<std::string> failing;                // hosts a resource of which fails
  std::map<std::string, std::string> mistakes;  // by host
};

class ScriptedHost : public Participant {
 public:
  ScriptedHost(std::string name, Script& script, EventSink sink) : script_(script), sink_(std::move(sink)) {
    values_.name = std::move(name);
  }
  const HostValues& values() const override { return values_; }
  void join() override { step("join"); }
  void begin(Pass pass, const std::vector<std::size_t>&) override {
    real_ = pass == Pass::real;
    result_ = {};
  }
  void play(std::size_t index, const std::vector<HostValues>& others) override {
    std::string seen;
    for (const HostValues& other : others)
      for (const auto& [id, given] : other.resources)
        seen += " " + other.name + "." + id + (given.at("").state == Given::State::failed ? "!" : "");
    step((real_ ? "apply " : "plan ") + std::to_string(index), seen);
    ResourceFinished event{"file[" + std::to_string(index) + "]", "", "file", values_.name, "root"};
    event.outcome = script_.settled.contains(values_.name) ? Outcome::ok
                    : real_                                ? Outcome::changed
                                                           : Outcome::would_change;
    if (real_ && script_.failing.contains(values_.name)) event.outcome = Outcome::failed;
    ++result_.counts[static_cast<std::size_t>(event.outcome)];
    if (event.outcome == Outcome::would_change) result_.pending.push_back({{"root"}, event.label});
    sink_(event);
    values_.resources["r" + std::to_string(index)][""] = {Given::State::known, event.label, "", {}};
  }
  PassResult end() override {
    if (const auto m = script_.mistakes.find(values_.name); m != script_.mistakes.end())
      result_.mistakes.add({}, m->second);
    return std::move(result_);
  }
  void prepare() override { step("prepare"); }
  PruneResult prune(const PruneOrder& order) override {
    step(order.remove ? "prune" : "tell");
    PruneResult result;
    result.counts[static_cast<std::size_t>(Outcome::changed)] = order.remove ? 1 : 0;
    result.touched = order.remove;
    return result;
  }

 private:
  void step(const std::string& what, const std::string& more = "") {
    script_.note(values_.name + " " + what + more);
    if (const auto w = script_.wrong.find(values_.name + " " + what); w != script_.wrong.end())
      throw Error(w->second);
  }
  Script& script_;
  EventSink sink_;
  HostValues values_;
  bool real_ = false;
  PassResult result_;
};

struct Stage {
  Script script;
  Playbook playbook;
  ConductSettings settings;
  Cancellation cancellation;
  Lines told;  // "web1 file[0] changed"
  Lines named;

  explicit Stage(std::vector<std::vector<std::string>> plays, Lines hosts = {}) : named(std::move(hosts)) {
    settings.forks = 1;  // in order, for the log
    for (auto& on : plays) {
      Play play;
      play.on = std::move(on);
      Resource r;
      r.id = "r" + std::to_string(playbook.plays.size());
      play.resources.push_back(std::move(r));
      playbook.plays.push_back(std::move(play));
    }
  }
  Conclusion go() {
    Coordinator coordinator(playbook, settings, cancellation, [this](const Event& e) {
      if (const auto* r = std::get_if<ResourceFinished>(&e))
        told.push_back(r->host + " " + r->label + " " + to_text(r->outcome));
    });
    for (const CastHost& host : cast_plays(playbook, named)) {
      EventSink sink = coordinator.sink();
      coordinator.add(std::make_unique<ScriptedHost>(host.name, script, std::move(sink)), host.plays);
    }
    return coordinator.go();
  }
};

std::string error_of(const Conclusion& conclusion, const std::string& host) {
  for (const HostFinished& h : conclusion.hosts)
    if (h.host == host) return h.error;
  return "no such host";
}

}  // namespace

TEST_CASE("A play without hosts is for those that the command names, or for this machine") {
  Playbook playbook;
  playbook.plays.resize(3);
  playbook.plays[1].on = {"local"};
  playbook.plays[2].on = {"db", "web2"};
  const auto text = [&](const Lines& named) {
    std::string all;
    for (const CastHost& host : cast_plays(playbook, named)) {
      all += host.name + ":";
      for (const std::size_t play : host.plays) all += std::to_string(play);
      all += " ";
    }
    return all;
  };
  CHECK(text({}) == "local:01 db:2 web2:2 ");
  CHECK(text({"web1", "web2"}) == "web1:0 web2:02 local:1 db:2 ");
}

TEST_CASE("Everything is planned everywhere before anything is done anywhere") {
  Stage stage({{}, {"local"}}, {"web1", "web2"});
  const Conclusion c = stage.go();
  CHECK(stage.script.log == Lines{"web1 join", "web2 join", "local join", "web1 plan 0", "web2 plan 0",
                                  "local plan 1 web1.r0 web2.r0", "web1 prepare", "web2 prepare",
                                  "local prepare", "web1 apply 0 web2.r0 local.r1",
                                  "web2 apply 0 web1.r0 local.r1", "local apply 1 web1.r0 web2.r0"});
  CHECK(stage.told == Lines{"web1 file[0] changed", "web2 file[0] changed", "local file[1] changed"});
  CHECK(c.counts[static_cast<std::size_t>(Outcome::changed)] == 3);
  CHECK_FALSE(c.early);
  CHECK_FALSE(c.not_started);
}

TEST_CASE("A plan prepares and does nothing") {
  Stage stage({{}}, {"web1"});
  stage.settings.dry = true;
  const Conclusion c = stage.go();
  CHECK(stage.script.log == Lines{"web1 join", "web1 plan 0"});
  CHECK(stage.told == Lines{"web1 file[0] would_change"});
  CHECK(c.early);
}

TEST_CASE("A host with nothing to do is reported in its place and takes no part in the real pass") {
  Stage stage({{}}, {"web1", "web2"});
  stage.script.settled = {"web1"};
  stage.go();
  CHECK(stage.script.log == Lines{"web1 join", "web2 join", "web1 plan 0", "web2 plan 0", "web2 prepare",
                                  "web2 apply 0"
                                  " web1.r0"});
  CHECK(stage.told == Lines{"web1 file[0] ok", "web2 file[0] changed"});
}

TEST_CASE("A mistake that one host finds keeps all from being touched") {
  Stage stage({{}}, {"web1", "web2"});
  stage.script.mistakes = {{"web2", "conflict"}};
  const Conclusion c = stage.go();
  CHECK(c.early);
  REQUIRE(c.mistakes.size() == 1);
  CHECK(c.mistakes.list()[0].message == "conflict");
  CHECK(stage.told.empty());
  CHECK(std::count(stage.script.log.begin(), stage.script.log.end(), "web1 prepare") == 0);
}

TEST_CASE("A host that is not reached does not stop the others; what it would have given counts as failed") {
  Stage stage({{}, {"local"}}, {"web1", "web2"});
  stage.script.wrong = {{"web1 join", "no route"}};
  const Conclusion c = stage.go();
  CHECK(c.not_started);
  CHECK(c.touched);
  CHECK(error_of(c, "web1") == "no route");
  CHECK(error_of(c, "web2") == "");
  CHECK(stage.script.log.back() == "local apply 1 web1.r0! web2.r0");
}

TEST_CASE("A host that may not act stays as it is; the others continue") {
  Stage stage({{}}, {"web1", "web2"});
  stage.script.wrong = {{"web1 prepare", "no sudo"}};
  const Conclusion c = stage.go();
  CHECK(c.not_started);
  CHECK_FALSE(c.early);
  CHECK(c.touched);
  CHECK(error_of(c, "web1") == "no sudo");
  CHECK(stage.told == Lines{"web2 file[0] changed"});
}

TEST_CASE("Where no host that could act had anything to do, nothing was touched") {
  Stage stage({{}}, {"web1", "web2"});
  stage.script.wrong = {{"web1 join", "no route"}};
  stage.script.settled = {"web2"};
  const Conclusion c = stage.go();
  CHECK(c.not_started);
  CHECK_FALSE(c.touched);
}

TEST_CASE("Events that a host sent before it was lost are counted") {
  Stage stage({{}, {}}, {"web1", "web2"});
  stage.script.wrong = {{"web1 apply 1", "connection lost"}};
  const Conclusion c = stage.go();
  CHECK(error_of(c, "web1") == "connection lost");
  CHECK(c.hosts[0].counts[static_cast<std::size_t>(Outcome::changed)] == 1);
  CHECK(c.hosts[1].counts[static_cast<std::size_t>(Outcome::changed)] == 2);
}

TEST_CASE("A rolling change ends with the batch in which a host fails") {
  Stage stage({{}}, {"web1", "web2", "web3", "web4", "web5"});
  stage.settings.serial = 2;
  stage.script.failing = {"web3"};
  const Conclusion c = stage.go();
  CHECK(stage.told ==
        Lines{"web1 file[0] changed", "web2 file[0] changed", "web3 file[0] failed", "web4 file[0] changed"});
  CHECK(error_of(c, "web5") == "not begun: web3 failed");
  CHECK(error_of(c, "web4") == "");
}

TEST_CASE("Many hosts are worked on at once, and no event is lost") {
  Lines names;
  for (int i = 0; i < 40; ++i) names.push_back("web" + std::to_string(i));
  Stage stage({{}, {}}, names);
  stage.settings.forks = 16;
  const Conclusion c = stage.go();
  CHECK(stage.told.size() == 80);
  CHECK(c.counts[static_cast<std::size_t>(Outcome::changed)] == 80);
}
