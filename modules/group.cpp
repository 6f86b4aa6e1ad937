// group: a group of users.
#include <fmt/format.h>

#include "resource/module.hpp"

namespace mlops::modules {
namespace {

// current          present                       absent
// none             create                        -
// there            - (or its gid changes)        remove
struct Group {
  static constexpr auto type = "group";
  enum class State { present, absent };

  struct Desired {
    std::string name;
    State state = State::present;
    std::optional<std::uint32_t> gid;
    bool system = false;
  };
  struct Current {
    std::optional<GroupAccount> group;
    std::string gid_holder;  // another group that has the desired gid
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A group of users.");
    s.named_by("name");
    s.required("name", &Desired::name, "Its name.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "Whether it should exist.");
    s.optional("gid", &Desired::gid, "Its number. Default: a new group gets the next free one.").for_present();
    s.optional("system", &Desired::system,
               "A new group gets a number of the range for the system's own groups.")
        .for_present();
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&Group::check);
    s.example("A group", R"({"type": "group", "name": "docker"})");
    s.example("One of the system, with its number",
              R"({"type": "group", "name": "metrics", "gid": 850, "system": true})");
    s.example("No such group", R"({"type": "group", "name": "games", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    // groupadd(8), CAVEATS.
    const bool good = !d.name.empty() && d.name.size() <= 32 &&
                      d.name.find_first_of(":,/ \t\n") == d.name.npos && d.name[0] != '-' &&
                      d.name.find_first_not_of("0123456789") != d.name.npos;
    if (!good)
      c.error("name", fmt::format("`{}` is no group name", d.name), "letters, digits, _ and -, at most 32");
  }

  static Claims claims(const Desired& d) {
    std::string wish = d.state == State::absent ? "absent" : "present";
    if (d.gid) wish += fmt::format(" gid {}", *d.gid);
    return {{.kind = Claim::Kind::group, .key = d.name, .desired = std::move(wish)}};
  }
  static Actor actor(const Desired&) { return {.kind = Actor::Kind::root}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    Current now{machine.accounts().group(d.name), ""};
    if (!d.gid || (now.group && now.group->gid == d.gid)) return now;
    if (const auto other = machine.accounts().group_by_gid(*d.gid)) now.gid_holder = other->name;
    return now;
  }

  static Diff diff(const Desired& d, const Current& now) {
    if (d.state == State::absent) {
      if (!now.group) return {};
      Diff diff{{Change::remove()}, {RemoveGroup{d.name}}};
      Value::Array members(now.group->members.begin(), now.group->members.end());
      if (!members.empty())
        diff.changes.push_back({.property = "members", .before = std::move(members), .after = Value::Array{}});
      return diff;
    }
    if (now.group && (!d.gid || now.group->gid == d.gid)) return {};
    if (!now.gid_holder.empty())
      throw Error(fmt::format("gid {} belongs to group `{}`", *d.gid, now.gid_holder));
    if (now.group) {
      const Value before = now.group->gid ? Value(std::int64_t{*now.group->gid}) : Value();
      return {{{.property = "gid", .before = before, .after = std::int64_t{*d.gid}}},
              {ChangeGroup{d.name, *d.gid}}};
    }
    Diff diff{{Change::create()}, {CreateGroup{d.name, d.gid, d.system}}};
    if (d.gid) diff.changes.push_back({.property = "gid", .after = std::int64_t{*d.gid}});
    return diff;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("name", d.name);
    v.set("state", "absent");
    return v;
  }

  static Value outputs(const Desired& d, const Current& now) {
    Value v;
    v.set("name", d.name);
    v.set("gid", now.group && now.group->gid ? Value(std::int64_t{*now.group->gid}) : Value());
    return v;
  }
};

}  // namespace
MLOPS_MODULE(Group);
}  // namespace mlops::modules
