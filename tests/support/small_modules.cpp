#include "support/small_modules.hpp"

#include <array>

namespace mlops::test {
namespace {

struct NoCurrent {};

struct SmallFile {
  static constexpr auto type = "file";
  struct Desired {
    Path path;
    std::optional<std::string> content;
    std::optional<Mode> mode;
    bool absent = false;
  };
  using Current = NoCurrent;
  static void describe(Schema<Desired>& s) {
    s.named_by("path");
    s.required("path", &Desired::path, "Where it is.");
    s.optional("content", &Desired::content, "What it holds.").secret();
    s.optional("mode", &Desired::mode, "Permission bits.");
    s.optional("absent", &Desired::absent, "It is to be gone, with all below.");
  }
  static Claims claims(const Desired& d) {
    return {{Claim::Kind::path, d.path.text, Claim::Access::owns, "", d.absent ? "absent" : "", d.absent}};
  }
  static Actor actor(const Desired&) { return {}; }
  static Current inspect(const Desired&, const MachineReader&) { return {}; }
  static Diff diff(const Desired&, const Current&) { return {}; }
};

struct SmallLine {
  static constexpr auto type = "line";
  struct Desired {
    Path path;
    std::string name, text;
  };
  using Current = NoCurrent;
  static void describe(Schema<Desired>& s) {
    s.named_by("name");
    s.required("path", &Desired::path, "The file it is in.");
    s.required("name", &Desired::name, "What it is called.");
    s.required("text", &Desired::text, "The line.");
  }
  static Claims claims(const Desired& d) {
    return {{Claim::Kind::path, d.path.text, Claim::Access::edits, d.name, d.text, false}};
  }
  static Actor actor(const Desired&) { return {}; }
  static Current inspect(const Desired&, const MachineReader&) { return {}; }
  static Diff diff(const Desired&, const Current&) { return {}; }
};

struct SmallPackage {
  static constexpr auto type = "package";
  struct Desired {
    Texts names;
    std::string state = "present";
  };
  using Current = NoCurrent;
  static void describe(Schema<Desired>& s) {
    s.named_by("names");
    s.required("names", &Desired::names, "What apt calls them.");
    s.optional("state", &Desired::state, "present or absent.");
  }
  static Claims claims(const Desired& d) {
    Claims claims;
    for (const std::string& name : d.names.list)
      claims.push_back({Claim::Kind::package, name, Claim::Access::owns, "", d.state, false});
    return claims;
  }
  static Actor actor(const Desired&) { return {}; }
  static Current inspect(const Desired&, const MachineReader&) { return {}; }
  static Diff diff(const Desired&, const Current&) { return {}; }
};

struct SmallService {
  static constexpr auto type = "service";
  struct Desired {
    std::string name;
    bool enabled = false;
  };
  using Current = NoCurrent;
  static void describe(Schema<Desired>& s) {
    s.named_by("name");
    s.required("name", &Desired::name, "Its unit.");
    s.optional("enabled", &Desired::enabled, "Whether it starts with the machine.");
  }
  static Claims claims(const Desired& d) {
    return {{Claim::Kind::service, d.name, Claim::Access::owns, "", "", false}};
  }
  static Actor actor(const Desired&) { return {}; }
  static Current inspect(const Desired&, const MachineReader&) { return {}; }
  static Diff diff(const Desired&, const Current&, bool) { return {}; }
};

}  // namespace

ModuleTable small_modules() {
  static const std::array<const Module*, 4> table{&erase_module<SmallFile>(), &erase_module<SmallLine>(),
                                                  &erase_module<SmallPackage>(), &erase_module<SmallService>()};
  return table;
}

}  // namespace mlops::test
