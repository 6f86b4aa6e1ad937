#include "support/engine_modules.hpp"

#include <array>

#include "machine/machine.hpp"

namespace mlops::test {
namespace {

struct NoCurrent {};

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
    return {{Change::create()}, {CreateSecret{.path = d.path}}};
  }
  static Outputs outputs(const Desired& d, const Current& now) {
    Outputs o;
    o.values.set("path", d.path);
    if (!now.token) o.unknown = {"token"};
    if (now.token) o.values.set("token", *now.token).secret = true;
    return o;
  }
};

}  // namespace

ModuleTable engine_modules() {
  static const std::array<const Module*, 7> table{&erase_module<EngineFile>(),  &erase_module<EngineLink>(),
                                                  &erase_module<EngineUnit>(),  &erase_module<EngineProgram>(),
                                                  &erase_module<EngineCheck>(), &erase_module<EngineEntry>(),
                                                  &erase_module<EngineKey>()};
  return table;
}

}  // namespace mlops::test
