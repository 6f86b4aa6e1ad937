// directory: a folder, with its mode and its owner.
#include <fmt/format.h>

#include <algorithm>

#include "domains/files/attributes.hpp"
#include "resource/module.hpp"
#include "resource/ownership.hpp"

namespace mlops::modules {
namespace {

struct Directory {
  static constexpr auto type = "directory";
  enum class State { present, absent };

  struct Desired {
    Path path;
    State state = State::present;
    std::optional<Mode> mode;
    std::optional<std::string> owner, group;
    bool parents = false, recursive = false, force = false;
  };
  struct Current {
    enum class What { nothing, folder, link_to_folder, link, other };
    What what = What::nothing;
    std::uint32_t mode = 0;
    std::string owner, group;          // of the folder, a link followed
    Grants grants;                     // read only if it changes owner or group
    bool has_content = false;          // read only for state absent
    std::string description;           // "a file", "a symbolic link": the current type
    std::vector<std::string> missing;  // missing parent folders, outermost first
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A folder, with its mode and its owner.");
    s.named_by("path");
    s.required("path", &Desired::path, "Where the folder is.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "Whether it should exist.");
    s.optional("mode", &Desired::mode, "Permission bits, \"0750\". Default: 0755 for a new folder.")
        .for_present();
    s.optional("owner", &Desired::owner, "Name of the user it belongs to.").for_present();
    s.optional("group", &Desired::group, "Name of the group it belongs to.").for_present();
    s.optional("parents", &Desired::parents,
               "Make missing folders above it too: mode 0755, with the same owner and group.");
    s.optional("recursive", &Desired::recursive, "With state absent: remove it though it has content.");
    s.optional("force", &Desired::force, "Replace or remove anything at the path that is not a folder.");
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&Directory::check);
    s.example("A folder of a person", R"({"type": "directory", "path": "~/soft"})");
    s.example("A shared folder and those above it",
              R"({"type": "directory", "path": "/srv/data/raw", "mode": "2775", "parents": true})");
    s.example("Remove a folder and all that is in it",
              R"({"type": "directory", "path": "/srv/old", "state": "absent", "recursive": true})");
  }

  static void check(const Desired& d, Checker& c) {
    if (d.path.text == "/" && d.state == State::absent) c.error("path", "the root folder cannot be removed");
    // If a state is given, `recursive` may stay while it is switched to present.
    if (d.recursive && !c.given("state"))
      c.error("recursive", "`recursive` is for state absent", "leave it out");
  }

  static Claims claims(const Desired& d) {
    const bool absent = d.state == State::absent;
    Claims claims{{.key = d.path.text, .desired = absent ? "absent" : "", .tree = absent}};
    add_owner_claims(d.owner, d.group, claims);
    return claims;
  }

  static Actor actor(const Desired& d) { return {Actor::Kind::path, d.path.text, d.owner.value_or("")}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    using What = Current::What;
    const FileReader& files = machine.files();
    Current c;
    auto status = files.status(d.path.text);
    if (!status) {
      if (d.state == State::present) c.missing = missing_above(d.path.text, files);
      return c;
    }
    c.description = to_text(status->type);
    const bool link = status->type == FileType::symlink;
    if (link) {
      const auto target = files.resolve(d.path.text);
      status = target ? files.status(*target) : std::nullopt;
    }
    const bool folder = status && status->type == FileType::directory;
    c.what = link ? (folder ? What::link_to_folder : What::link) : (folder ? What::folder : What::other);
    if (!folder) return c;
    c.mode = status->mode;
    c.owner = owner_as_wanted(d.owner, status->owner, machine.accounts());
    c.group = group_as_wanted(d.group, status->group, machine.accounts());
    if (d.state == State::present && handover(wanted_attributes(d), c.owner, c.group, false).any())
      c.grants = files.grants(files.resolve(d.path.text).value_or(d.path.text)).value_or(Grants());
    if (d.state == State::absent && !link) c.has_content = !files.list(d.path.text).value_or(Names{}).empty();
    return c;
  }

  //  current \ desired     present                              absent
  //  nothing               create (above it too: parents)       –
  //  folder                mode, owner, group                   remove (content: recursive, else error)
  //  link to a folder      mode, owner, group of the folder     remove the link
  //  other link            error; force: replace the link       remove the link
  //  file or the like      error; force: replace it             error; force: remove it
  static Diff diff(const Desired& d, const Current& c) {
    using What = Current::What;
    if (d.state == State::absent) return removal(d, c);
    if (c.what == What::nothing) return creation(d, c);
    if (c.what == What::folder || c.what == What::link_to_folder) return attributes(d, c);
    if (!d.force)
      throw Error(
          fmt::format("{} is {}, not a folder; with `force` it would be replaced", d.path.text, c.description));
    Diff replaced = creation(d, c);
    replaced.changes.front() = {.property = "type", .before = c.description, .after = "a folder"};
    replaced.actions.insert(replaced.actions.begin(), RemovePath{d.path.text});
    return replaced;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("path", d.path.text);
    v.set("state", "absent");
    return v;
  }

  static Value outputs(const Desired& d, const Current&) {
    Value v;
    v.set("path", d.path.text);
    return v;
  }

 private:
  using Names = std::vector<std::string>;

  static std::string parent(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
  }

  static Names missing_above(const std::string& path, const FileReader& files) {
    Names missing;
    for (std::string at = parent(path); at != "/"; at = parent(at)) {
      auto status = files.status(at);
      if (status && status->type == FileType::symlink) {
        const auto target = files.resolve(at);
        if (!target)
          throw Error(fmt::format("{} is a symbolic link to nothing, so {} cannot be made", at, path));
        status = files.status(*target);
      }
      if (status && status->type != FileType::directory)
        throw Error(
            fmt::format("{} is {}, not a folder, so {} cannot be made", at, to_text(status->type), path));
      if (status) break;
      missing.insert(missing.begin(), at);
    }
    return missing;
  }

  static WantedAttributes wanted_attributes(const Desired& d) {
    return {d.mode ? std::optional(d.mode->bits) : std::nullopt, d.owner, d.group};
  }

  static Diff creation(const Desired& d, const Current& c) {
    if (!c.missing.empty() && !d.parents)
      throw Error(
          fmt::format("{} does not exist, so {} cannot be made: give it a directory resource before this one, "
                      "or set `parents`",
                      c.missing.back(), d.path.text));
    Diff diff;
    const std::uint32_t mode = d.mode ? d.mode->bits : 0755;
    const std::string owner = d.owner.value_or(""), group = d.group.value_or("");
    diff.changes.push_back(Change::create());
    if (!c.missing.empty()) {
      Value::Array made(c.missing.begin(), c.missing.end());
      diff.changes.push_back({.property = "parents", .before = Value::Array{}, .after = std::move(made)});
    }
    diff.changes.push_back({.property = "mode", .after = octal(mode)});
    if (d.owner) diff.changes.push_back({.property = "owner", .after = owner});
    if (d.group) diff.changes.push_back({.property = "group", .after = group});
    for (const std::string& above : c.missing)
      diff.actions.push_back(CreateDirectory{above, 0755, owner, group});
    diff.actions.push_back(CreateDirectory{d.path.text, mode, owner, group});
    return diff;
  }

  static Diff attributes(const Desired& d, const Current& c) {
    Diff diff;
    SetAttributes set = differing_attributes(
        d.path.text, wanted_attributes(d), {c.mode, c.owner, c.group, true, 1, c.grants}, false, diff.changes);
    if (!diff.changes.empty()) diff.actions.push_back(std::move(set));
    return diff;
  }

  static Diff removal(const Desired& d, const Current& c) {
    if (c.what == Current::What::nothing) return {};
    if (c.what == Current::What::other && !d.force)
      throw Error(
          fmt::format("{} is {}, not a folder; with `force` it would be removed", d.path.text, c.description));
    if (c.has_content && !d.recursive)
      throw Error(
          fmt::format("{} has content; with `recursive` it would be removed with all of it", d.path.text));
    Diff diff;
    diff.changes.push_back(Change::remove());
    diff.actions.push_back(RemovePath{d.path.text, c.has_content});
    return diff;
  }
};

}  // namespace

MLOPS_MODULE(Directory);

}  // namespace mlops::modules
