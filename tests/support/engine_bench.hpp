// Runs playbooks of small resource types on a host that exists only in a test, and reports the outcome line
// by line.
#pragma once

#include <functional>
#include <memory>

#include "base/overloaded.hpp"
#include "engine/run.hpp"
#include "engine/show.hpp"
#include "machine/overlay.hpp"
#include "support/engine_modules.hpp"
#include "support/fake_machine.hpp"
#include "support/site.hpp"

namespace mlops::test {

// Units that come up by themselves when they were looked at so often.
struct SlowServices : FakeServices {
  int up_after = 0;  // 0: never
  mutable int looks = 0;
  std::function<Unit(int)> answers;  // where it is given: what is found the first time, the second time …
  Unit unit(const std::string& name) const override {
    if (answers) return answers(++looks);
    if (up_after && ++looks > up_after) return {name, "loaded", "active", "running", "", false, "1"};
    return FakeServices::unit(name);
  }
};
struct SlowMachine : FakeMachine {
  SlowServices s;
  const ServiceReader& services() const override { return s; }
};

class FakeHost : public Host {
 public:
  SlowMachine world;
  std::vector<std::string> log;                        // what was performed: "root: link /a -> x"
  std::map<std::string, std::string> failing;          // path, unit or program -> message
  std::set<std::string> forbidden;                     // users that nobody may become
  std::set<std::string> idle;                          // paths and units that no action changes
  std::vector<std::size_t> together;                   // sizes of what was performed together
  std::vector<std::string> path;                       // what was put on PATH: "ubuntu: /soft"
  std::function<void(const std::string&)> performing;  // each line of the log, before it takes effect
  PriorRunState left;                                  // by earlier runs
  std::vector<StepName> recovered;                     // steps that were found converged

  FakeHost() {
    world.f.folder("/");
    world.a.users["root"] = {.name = "root", .uid = 0};
    world.a.users["ubuntu"] = {.name = "ubuntu", .uid = 1000};
  }
  Machine& as(const Identity& identity) override {
    if (!world.a.users.count(identity.user))
      throw Error("there is no user " + identity.user, ErrorKind::unavailable);
    auto& actor = actors_[identity.user];
    if (!actor) actor = std::make_unique<Acting>(*this, identity.user);
    return *actor;
  }
  void require_right(const Identity& identity) const override {
    if (forbidden.contains(identity.user))
      throw Error("nobody may act as " + identity.user, ErrorKind::privilege);
  }
  const PriorRunState& earlier() const override { return left; }
  void mark_recovered(const Identity&, const std::vector<StepName>& steps) override {
    recovered.insert(recovered.end(), steps.begin(), steps.end());
  }
  void begin(const std::string&) override {}
  std::vector<std::string> doubts() const override { return {}; }
  void add_to_path(const Identity& identity, const std::vector<std::string>& folders) override {
    for (const std::string& folder : folders) path.push_back(identity.user + ": " + folder);
  }

 private:
  struct Acting : Machine {
    FakeHost& host;
    std::string user;
    Acting(FakeHost& h, std::string u) : host(h), user(std::move(u)) {}
    const FileReader& files() const override { return host.world.f; }
    const AccountReader& accounts() const override { return host.world.a; }
    const PackageReader& packages() const override { return host.world.p; }
    const ServiceReader& services() const override { return host.world.s; }
    const CommandReader& commands() const override { return host.world.c; }
    const DownloadReader& downloads() const override { return host.world.d; }
    const TunnelReader& tunnels() const override { return host.world.t; }
    const NetworkReader& network() const override { return host.world.n; }
    const CloudReader& cloud() const override { return host.world.cl; }
    const ContainerReader& containers() const override { return host.world.i; }
    void perform(std::span<const Action> actions) override {
      for (const Action& action : actions) std::visit(overloaded{[&](const auto& a) { apply(a); }}, action);
    }
    std::vector<std::optional<Error>> perform_together(
        std::span<const std::span<const Action>> lists) override {
      host.together.push_back(lists.size());
      return Machine::perform_together(lists);
    }
    // False when it has no effect.
    bool begin(const std::string& what, const std::string& key) {
      const std::string line = user + ": " + what;
      host.log.push_back(line);
      if (host.performing) host.performing(line);
      if (const auto f = host.failing.find(key); f != host.failing.end()) throw Error(f->second);
      return host.idle.count(key) == 0;
    }
    void apply(const WriteFile& a) {
      if (begin("write " + a.path, a.path)) host.world.f.file(a.path, a.content);
    }
    void apply(const CreateSecret& a) {
      if (begin("draw " + a.path, a.path)) host.world.f.file(a.path, "drawn", 0600);
    }
    void apply(const CreateLink& a) {
      if (begin("link " + a.path + " -> " + a.target, a.path)) host.world.f.link(a.path, a.target);
    }
    void apply(const RemovePath& a) { host.world.f.entries.erase(a.path); }
    void apply(const ChangeUnit& a) {
      if (begin((a.verb == ChangeUnit::Verb::start ? "start " : "restart ") + a.unit, a.unit))
        host.world.s.units[a.unit] = {a.unit, "loaded", "active", "running", "", false, "1"};
    }
    void apply(const RunCommand& a) {
      std::string line = "run";
      for (const std::string& word : a.command.argv) line += " " + word;
      begin(line, a.command.argv.at(0));
      for (std::size_t i = 1; a.command.argv[0] == "set" && i + 1 < a.command.argv.size(); i += 2)
        host.world.f.link(a.command.argv[i], a.command.argv[i + 1]);
    }
    template <class A>
    void apply(const A&) {
      throw Error("the fake host has no such action");
    }
  };
  std::map<std::string, std::unique_ptr<Acting>> actors_;
};

// Set it up, then apply() or plan().
struct EngineBench {
  FakeHost host;
  Site site;
  Cancellation cancellation;
  ModuleTable modules = engine_modules();
  RunOptions options{Outcome::changed, {}, {}, false, std::chrono::milliseconds(0)};
  PassResult result;
  std::vector<ShownLine> shown;
  std::vector<Event> events;

  // What came of each resource: "link[/a] changed", "link[/b] skipped: link[/a] failed".
  std::vector<std::string> apply(const std::string& json) {
    options.acted = Outcome::changed;
    return run(json, host);
  }
  std::vector<std::string> plan(const std::string& json) {
    options.acted = Outcome::would_change;
    const auto overlay = make_overlay_host(host, {"root"});
    return run(json, *overlay);
  }
  std::string mistakes() {
    std::string all;
    for (const Diagnostic& d : result.mistakes.list()) all += d.message + "\n";
    return all;
  }

 private:
  std::vector<std::string> run(const std::string& json, Host& on) {
    Diagnostics diagnostics;
    const Playbook playbook =
        load_playbook(site.write("p.json", json), {{}, {}, "/home/ubuntu"}, modules, diagnostics);
    for (const Diagnostic& d : diagnostics.list()) throw std::runtime_error(to_text(d));
    const Person person{"ubuntu", "/home/ubuntu", "/bin/bash", 1000, 1000};
    const Facts facts(person);
    IdentityRules identities(on, person, {"root"});
    std::vector<std::string> lines;
    events.clear();
    Run pass(
        playbook, on, facts, identities, cancellation,
        [&](const Event& e) {
          events.push_back(e);
          if (const auto* r = std::get_if<ResourceFinished>(&e)) lines.push_back(line_of(*r));
        },
        options);
    result = pass.go();
    Diagnostics wrong;
    shown = show_lines(playbook, facts, {{"local", "", "", 0, {}, pass.given()}}, wrong);
    return lines;
  }
  static std::string line_of(const ResourceFinished& r) {
    std::string line = r.label + " " + to_text(r.outcome);
    for (std::size_t i = 0; i < r.maybe.size(); ++i) line += (i ? ", " : " unless ") + r.maybe[i];
    return r.reason.empty() ? line : line + ": " + r.reason;
  }
};

using Lines = std::vector<std::string>;

}  // namespace mlops::test
