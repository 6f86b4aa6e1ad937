// Runs playbooks of small resource types on a host that exists only in a test, and tells what came of it line
// by line.
#pragma once

#include <functional>
#include <memory>

#include "engine/run.hpp"
#include "engine/show.hpp"
#include "machine/overlay.hpp"
#include "support/fake_machine.hpp"
#include "support/site.hpp"

namespace mlops::test {

// A file with this content; neighbouring ones are written together.
struct EngineFile {
  static constexpr auto type = "file";
  struct Desired {
    std::string path, content;
    std::optional<std::string> owner;
  };
  using Current = std::optional<FileView>;
  static void describe(Schema<Desired>& s) {
    s.named_by("path");
    s.required("path", &Desired::path, "Where it is.");
    s.required("content", &Desired::content, "What it holds.");
    s.optional("owner", &Desired::owner, "Whose it is.");
  }
  static Claims claims(const Desired& d) {
    Claims claims{{Claim::Kind::path, d.path, Claim::Access::owns, "", "", false}};
    if (d.owner) claims.push_back({Claim::Kind::user, *d.owner, Claim::Access::reads, "", "", false});
    return claims;
  }
  static Actor actor(const Desired&) { return {}; }
  static Current inspect(const Desired& d, const MachineReader& m) { return m.files().view(d.path, 1000); }
  static Diff diff(const Desired& d, const Current& now) {
    if (now && now->content == d.content) return {};
    return {{{.property = "content",
              .before = now ? Value(now->content.value_or("")) : Value(),
              .after = d.content}},
            {WriteFile{.path = d.path, .content = d.content}}};
  }
  static Value outputs(const Desired& d, const Current& now) {
    Value v;
    v.set("path", d.path);
    v.set("content", now && now->content ? Value(*now->content) : Value());
    return v;
  }
};

// A link to this target, which replaces any other: never written together with others.
struct EngineLink {
  static constexpr auto type = "link";
  struct Desired {
    std::string path, target, actor;
  };
  using Current = std::optional<FileView>;
  static void describe(Schema<Desired>& s) {
    s.named_by("path");
    s.required("path", &Desired::path, "Where it is.");
    s.required("target", &Desired::target, "Where it leads.").secret();
    s.optional("actor", &Desired::actor, "person, or root.");
  }
  static Claims claims(const Desired& d) {
    return {{Claim::Kind::path, d.path, Claim::Access::owns, "", "", false}};
  }
  static Actor actor(const Desired& d) {
    return d.actor == "person" ? Actor{Actor::Kind::person, "", ""} : Actor{};
  }
  static Current inspect(const Desired& d, const MachineReader& m) { return m.files().view(d.path, 1000); }
  static Diff diff(const Desired& d, const Current& now) {
    if (now && now->target == d.target) return {};
    Diff diff{{{.property = "target", .before = now ? Value(now->target) : Value(), .after = d.target}}, {}};
    if (now) diff.actions.push_back(RemovePath{d.path});
    diff.actions.push_back(CreateLink{.path = d.path, .target = d.target});
    return diff;
  }
  static Value outputs(const Desired& d, const Current& now) {
    Value v;
    v.set("path", d.path);
    v.set("target", now ? Value(now->target) : Value());
    return v;
  }
};

// A unit that runs, and restarts when notified.
struct EngineUnit {
  static constexpr auto type = "unit";
  static constexpr bool settles = true;
  struct Desired {
    std::string name;
  };
  using Current = Unit;
  static void describe(Schema<Desired>& s) {
    s.named_by("name");
    s.required("name", &Desired::name, "Its name.");
  }
  static Claims claims(const Desired& d) {
    return {{Claim::Kind::service, d.name, Claim::Access::owns, "", "", false}};
  }
  static Actor actor(const Desired&) { return {}; }
  static Current inspect(const Desired& d, const MachineReader& m) { return m.services().unit(d.name); }
  static Diff diff(const Desired& d, const Current& now, bool notified) {
    using Verb = ChangeUnit::Verb;
    if (!now.active())
      return {{{.property = "running", .before = false, .after = true}}, {ChangeUnit{d.name, Verb::start}}};
    if (!notified) return {};
    return {{{.property = "restart", .kind = Change::Kind::event}}, {ChangeUnit{d.name, Verb::restart}}};
  }
};

// A program that always runs, unless its guard says no: `set PATH TARGET…` makes links.
struct EngineProgram {
  static constexpr auto type = "program";
  static constexpr bool opaque = true;
  struct Desired {
    std::vector<std::string> argv, unless;
    bool bound = false;
  };
  using Current = bool;
  static void describe(Schema<Desired>& s) {
    s.named_by("argv");
    s.required("argv", &Desired::argv, "What runs.");
    s.optional("unless", &Desired::unless, "Its guard.");
    s.optional("bound", &Desired::bound, "It changes nothing that others manage.");
  }
  static Claims claims(const Desired&) { return {}; }
  static bool bounded(const Desired& d) { return d.bound; }
  static Actor actor(const Desired&) { return {Actor::Kind::person, "", ""}; }
  static Current inspect(const Desired& d, const MachineReader& m) {
    return d.unless.empty() || m.commands().run({.argv = d.unless}).status != 0;
  }
  static Diff diff(const Desired& d, const Current& wanted) {
    if (!wanted) return {};
    return {{{.property = "runs", .kind = Change::Kind::event}},
            {RunCommand{.command = {.argv = d.argv}, .bounded = d.bound}}};
  }
};

// A program's status is 0, or it fails.
struct EngineCheck {
  static constexpr auto type = "check";
  static constexpr bool opaque = true, verification = true;
  struct Desired {
    std::vector<std::string> argv;
  };
  using Current = NoCurrent;
  static void describe(Schema<Desired>& s) {
    s.named_by("argv");
    s.required("argv", &Desired::argv, "What runs.");
  }
  static Claims claims(const Desired&) { return {}; }
  static Actor actor(const Desired&) { return {Actor::Kind::person, "", ""}; }
  static Current inspect(const Desired& d, const MachineReader& m) {
    if (m.commands().run({.argv = d.argv}).status != 0) throw Error("it is not so");
    return {};
  }
  static Diff diff(const Desired&, const Current&) { return {}; }
};

// A folder that is on PATH.
struct EngineEntry {
  static constexpr auto type = "entry";
  struct Desired {
    std::string folder;
  };
  using Current = std::optional<FileView>;
  static void describe(Schema<Desired>& s) {
    s.named_by("folder");
    s.required("folder", &Desired::folder, "The folder.");
  }
  static Claims claims(const Desired& d) {
    return {{Claim::Kind::path, "/profile", Claim::Access::edits, d.folder, d.folder, false}};
  }
  static Actor actor(const Desired&) { return {}; }
  static Current inspect(const Desired&, const MachineReader& m) { return m.files().view("/profile", 1000); }
  static Diff diff(const Desired& d, const Current& now) {
    if (now && now->content == d.folder) return {};
    return {{{.property = "entry", .after = d.folder}}, {WriteFile{.path = "/profile", .content = d.folder}}};
  }
  static Environment environment(const Desired& d, const Current&) { return {"ubuntu", {d.folder}}; }
};

// A file of random text, which nobody but the machine knows before it is made.
struct EngineKey {
  static constexpr auto type = "key";
  struct Desired {
    std::string path;
  };
  struct Current {
    bool there = false;
    std::optional<std::string> token;  // absent when it cannot be known yet
  };
  static void describe(Schema<Desired>& s) {
    s.named_by("path");
    s.required("path", &Desired::path, "Where it is.");
  }
  static Claims claims(const Desired& d) {
    return {{Claim::Kind::path, d.path, Claim::Access::owns, "", "", false}};
  }
  static Actor actor(const Desired&) { return {}; }
  static Current inspect(const Desired& d, const MachineReader& m) {
    Current c{m.files().exists(d.path), {}};
    if (c.there) try {
        c.token = m.files().read(d.path);
      } catch (const Unknown&) {
      }
    return c;
  }
  static std::optional<std::string> not_applicable(const Desired& d, const Current&) {
    if (d.path.starts_with("/nowhere/")) return "there is no lock for it";
    return std::nullopt;
  }
  static Diff diff(const Desired& d, const Current& now) {
    if (now.there) return {};
    return {{{.property = "exists", .before = false, .after = true}}, {CreateSecret{.path = d.path}}};
  }
  static Outputs outputs(const Desired& d, const Current& now) {
    Outputs o;
    o.values.set("path", d.path);
    if (!now.token) o.unknown = {"token"};
    if (now.token) o.values.set("token", *now.token).secret = true;
    return o;
  }
};

inline ModuleTable engine_modules() {
  static const std::array<const Module*, 7> table{&erase_module<EngineFile>(),  &erase_module<EngineLink>(),
                                                  &erase_module<EngineUnit>(),  &erase_module<EngineProgram>(),
                                                  &erase_module<EngineCheck>(), &erase_module<EngineEntry>(),
                                                  &erase_module<EngineKey>()};
  return table;
}

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
