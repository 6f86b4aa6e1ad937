// user: an account, its groups and its home.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/contains.hpp"
#include "domains/accounts/subordinate_ids.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

using Names = std::vector<std::string>;

Names sorted(Names names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Value list(const Names& names) {
  Value::Array items;
  for (const std::string& name : names) items.emplace_back(name);
  return items;
}

std::string parent(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A number of login.defs(5), decimal or octal, as written there.
std::optional<std::uint32_t> setting(std::string_view text, std::string_view key, int base) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    const auto start = line.find_first_not_of(" \t");
    if (start == 0 || start == std::string_view::npos) continue;
    std::uint32_t n = 0;
    if (std::from_chars(line.data() + start, line.data() + line.size(), n, base).ec == std::errc()) return n;
  }
  return {};
}

// current   present                                                     absent
// none      create; make the home                                       -
// there     change what differs; add to groups; make a missing home     remove the home where asked; remove
struct User {
  static constexpr auto type = "user";
  enum class State { present, absent };

  struct Desired {
    std::string name;
    State state = State::present;
    std::optional<std::uint32_t> uid;
    std::optional<std::string> group;
    std::optional<Names> groups, only_groups;
    std::optional<std::string> shell, comment;
    std::optional<Path> home;
    bool system = false;
    std::optional<bool> create_home;
    bool remove_home = false, keep_group = false;
  };
  // An entry of /etc/skel, by its path below it.
  struct SkeletonEntry {
    std::string path;
    FileView view;
  };
  struct Current {
    std::optional<UserAccount> account;
    bool own_group = false;     // a group of the user's name exists
    std::string uid_holder;     // another user that has the desired uid
    std::string missing_group;  // a desired group that does not exist
    TextMap numbered;           // names of desired groups that are given by their number
    bool bash = false;          // /bin/bash exists
    std::string home;           // its current or future path
    std::optional<FileStatus> home_status;
    bool makes_home = false;      // the rest is read only if it is to be created
    bool own_group_goes = false;  // of an account that is to be absent: its own group has no other members
    Names subuids, subgids;       // of an account that is to be absent
    bool assumed = false;         // that account is made by an earlier step of the plan
    std::uint32_t subordinate_count = 0;  // of uids, and as many gids, that a new account gets
    bool abandoned = false;               // a leftover of an interrupted creation is beside it
    Names missing_parents;                // topmost first
    std::uint32_t home_mode = 0755;
    std::vector<SkeletonEntry> skeleton;  // folders before their content
  };

  static void describe(Schema<Desired>& s) {
    s.summary("An account, its groups and its home. Parameters that are left out are left alone.");
    s.named_by("name");
    s.required("name", &Desired::name, "Login name.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "Whether it should exist.");
    s.optional("uid", &Desired::uid, "Its number. Default: a new user gets the next free one.").for_present();
    s.optional("group", &Desired::group,
               "Primary group, which must exist. Default: a new user gets one of its own name.")
        .for_present();
    s.optional("groups", &Desired::groups, "Supplementary groups to be in; others are left alone.")
        .for_present();
    s.optional("only_groups", &Desired::only_groups, "Supplementary groups to be in, and no others.")
        .for_present();
    s.optional("shell", &Desired::shell, "Login shell. A new user gets /bin/bash, one of the system none.")
        .for_present();
    s.optional("home", &Desired::home,
               "Home folder. A new user gets /home/NAME. What is in another home is not moved.")
        .for_present();
    s.optional("comment", &Desired::comment, "The person's name, or what the account is for.").for_present();
    s.optional(
         "system", &Desired::system,
         "A new user is one of the system: a number of that range, no shell, and no home unless `home` is set.")
        .for_present();
    s.optional("create_home", &Desired::create_home,
               "Make the home where it is missing, from /etc/skel. Default: for ordinary users.")
        .for_present();
    s.optional("remove_home", &Desired::remove_home, "With state absent: also the home and all that is in it.");
    s.optional("keep_group", &Desired::keep_group,
               "With state absent: the group of its name stays, which goes along otherwise where nobody else "
               "is in it.");
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&User::check);
    s.example("A person who may use Docker", R"({"type": "user", "name": "ubuntu", "groups": ["docker"]})");
    s.example("A new person",
              R"({"type": "user", "name": "ada", "comment": "Ada Lovelace", "shell": "/bin/bash"})");
    s.example("An account for a service",
              R"({"type": "user", "name": "metrics", "system": true, "home": "/var/lib/metrics"})");
    s.example("Nobody of that name",
              R"({"type": "user", "name": "intern", "state": "absent", "remove_home": true})");
  }

  static bool is_name(const std::string& name) {
    const auto tail = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return !name.empty() && name.size() <= 32 && name[0] != '-' && name[0] != '.' &&
           name.find_first_not_of(tail) == name.npos && name.find_first_not_of("0123456789") != name.npos;
  }

  static void check(const Desired& d, Checker& c) {
    if (!is_name(d.name))
      c.error("name", fmt::format("`{}` is no user name", d.name), "letters, digits, _ . and -, at most 32");
    if (d.groups && d.only_groups) c.error("only_groups", "groups and only_groups exclude each other");
    // If a state is given, these may stay while it is switched to present.
    if (d.remove_home && !c.given("state")) c.error("remove_home", "remove_home needs state absent");
    if (d.keep_group && !c.given("state")) c.error("keep_group", "keep_group needs state absent");
    if (d.comment && d.comment->find_first_of(":\n") != std::string::npos)
      c.error("comment", "a comment cannot have a colon or a line break");
    if (d.shell &&
        (d.shell->empty() || d.shell->front() != '/' || d.shell->find_first_of(":\n") != d.shell->npos))
      c.error("shell", fmt::format("`{}` is no absolute path of a shell", *d.shell));
    if (d.home && d.home->text.find_first_of(":\n") != std::string::npos)
      c.error("home", "a home cannot have a colon or a line break");
  }

  // ---- claims -----------------------------------------------------------------------------------------------

  static bool manages_account(const Desired& d) {
    return d.state == State::absent || d.uid || d.group || d.only_groups || d.shell || d.home || d.comment ||
           d.system || d.create_home || !d.groups || d.groups->empty();
  }

  static std::string wish(const Desired& d) {
    if (d.state == State::absent) return "absent";
    const auto text = [](const auto& value) { return value ? fmt::format("{}", *value) : std::string("-"); };
    std::string only = "-";
    if (d.only_groups) only = to_json(list(sorted(*d.only_groups)));
    return fmt::format("uid {} group {} only {} shell {} home {} comment {}", text(d.uid), text(d.group), only,
                       text(d.shell), d.home ? d.home->text : "-", text(d.comment));
  }

  static Claims claims(const Desired& d) {
    Claims claims;
    if (manages_account(d)) claims.push_back({.kind = Claim::Kind::user, .key = d.name, .desired = wish(d)});
    for (const std::string& group : wanted_groups(d)) {
      if (!d.only_groups)
        claims.push_back({.kind = Claim::Kind::user,
                          .key = d.name,
                          .access = Claim::Access::edits,
                          .subkey = "group:" + group,
                          .desired = "member"});
      claims.push_back({.kind = Claim::Kind::group, .key = group, .access = Claim::Access::reads});
    }
    if (d.group)
      claims.push_back({.kind = Claim::Kind::group, .key = *d.group, .access = Claim::Access::reads});
    if (d.home && d.create_home.value_or(!d.system))
      claims.push_back({.kind = Claim::Kind::path,
                        .key = d.home->text,
                        .access = Claim::Access::edits,
                        .subkey = "home of " + d.name,
                        .desired = "exists"});
    return claims;
  }
  static Actor actor(const Desired&) { return {.kind = Actor::Kind::root}; }

  // ---- inspecting -------------------------------------------------------------------------------------------

  static Names wanted_groups(const Desired& d) {
    return sorted(d.only_groups ? *d.only_groups : d.groups.value_or(Names{}));
  }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const AccountReader& accounts = machine.accounts();
    Current now{.account = accounts.user(d.name)};
    if (d.state == State::absent) {
      if (now.account) now.home = now.account->home;
      if (now.account && d.remove_home) now.home_status = machine.files().status(now.home);
      if (now.account) look_at_what_goes(d, machine, now);
      return now;
    }
    if (d.uid && !(now.account && now.account->uid == d.uid))
      if (const auto holder = accounts.user_by_uid(*d.uid)) now.uid_holder = holder->name;
    Names groups = wanted_groups(d);
    if (d.group) groups.push_back(*d.group);
    for (const std::string& group : groups) {
      if (accounts.group(group)) continue;
      const auto gid = number(group);
      const auto by_number = gid ? accounts.group_by_gid(*gid) : std::nullopt;
      if (by_number)
        now.numbered[group] = by_number->name;
      else if (now.missing_group.empty())
        now.missing_group = group;
    }
    if (!now.account) {
      now.own_group = accounts.group(d.name).has_value();
      now.bash = machine.files().exists("/bin/bash");
      now.subordinate_count = new_subordinate_ids(d, machine.files());
    }
    look_at_home(d, machine.files(), now);
    return now;
  }

  // userdel(8) removes more than the account.
  static void look_at_what_goes(const Desired& d, const MachineReader& machine, Current& now) {
    const auto own = now.account->group == d.name ? machine.accounts().group(d.name) : std::nullopt;
    now.own_group_goes = own && !d.keep_group &&
                         std::all_of(own->members.begin(), own->members.end(),
                                     [&](const std::string& member) { return member == d.name; });
    now.subuids = subordinate_ids(machine.files().read("/etc/subuid").value_or(""), d.name);
    now.subgids = subordinate_ids(machine.files().read("/etc/subgid").value_or(""), d.name);
    const std::string accounts = "\n" + machine.files().read("/etc/passwd").value_or("");
    now.assumed = accounts.find("\n" + d.name + ":") == accounts.npos;
    now.subordinate_count = new_subordinate_ids(d, machine.files());
  }

  // As useradd(8) assigns them: to ordinary users, if the file exists.
  static std::uint32_t new_subordinate_ids(const Desired& d, const FileReader& files) {
    if (!files.exists("/etc/subuid")) return 0;
    const std::string defs = files.read("/etc/login.defs").value_or("");
    const UserAccount asked{.name = d.name, .uid = d.uid};
    return is_ordinary(d, asked, defs) && !d.system ? setting(defs, "SUB_UID_COUNT", 10).value_or(65536) : 0;
  }

  // A text of digits only; a group with that name takes precedence, as in usermod(8).
  static std::optional<std::uint32_t> number(const std::string& text) {
    std::uint32_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(n) : std::nullopt;
  }

  // With numeric groups replaced by their names.
  static Desired named(Desired d, const Current& now) {
    const auto name = [&](std::string& group) {
      if (const auto found = now.numbered.find(group); found != now.numbered.end()) group = found->second;
    };
    if (d.group) name(*d.group);
    for (auto* groups : {&d.groups, &d.only_groups}) {
      if (!*groups) continue;
      for (std::string& group : **groups) name(group);
      *groups = sorted(**groups);
    }
    return d;
  }

  static std::string home_of(const Desired& d, const std::optional<UserAccount>& account) {
    if (d.home) return d.home->text;
    if (account) return account->home;
    return d.system ? "/nonexistent" : "/home/" + d.name;
  }

  static void look_at_home(const Desired& d, const FileReader& files, Current& now) {
    now.home = home_of(d, now.account);
    if (d.create_home == false || now.home == "/nonexistent" || now.home.size() < 2 || now.home[0] != '/')
      return;
    now.home_status = files.status(now.home);
    // A link or a file there was put by somebody on purpose.
    if (now.home_status) return;
    const std::string defs = files.read("/etc/login.defs").value_or("");
    now.makes_home = d.create_home.value_or(is_ordinary(d, now.account, defs));
    if (!now.makes_home) return;
    now.abandoned = files.exists(staging(now.home));
    for (std::string at = parent(now.home); at != "/" && !files.exists(at); at = parent(at))
      now.missing_parents.insert(now.missing_parents.begin(), at);
    // useradd(8): HOME_MODE, else the mode that UMASK leaves.
    const auto mode = setting(defs, "HOME_MODE", 8);
    now.home_mode = mode ? *mode : 0777 & ~setting(defs, "UMASK", 8).value_or(022);
    read_skeleton(files, "", now.skeleton);
  }

  static bool is_ordinary(const Desired& d, const std::optional<UserAccount>& account,
                          const std::string& defs) {
    if (!account || !account->uid) return !d.system;
    return *account->uid >= setting(defs, "UID_MIN", 10).value_or(1000) &&
           *account->uid <= setting(defs, "UID_MAX", 10).value_or(60000);
  }

  static void read_skeleton(const FileReader& files, const std::string& below,
                            std::vector<SkeletonEntry>& into) {
    const auto names = files.list("/etc/skel" + below);
    if (!names) return;
    for (const std::string& name : *names) {
      const std::string path = below + "/" + name;
      auto view = files.view("/etc/skel" + path, 16u << 20);
      if (!view) continue;
      const bool folder = view->status.type == FileType::directory;
      into.push_back({path, std::move(*view)});
      if (folder) read_skeleton(files, path, into);
    }
  }

  // ---- differences -----------------------------------------------------------------------------------------

  static Diff diff(const Desired& given, const Current& now) {
    if (given.state == State::absent) return removal(given, now);
    const Desired d = named(given, now);
    if (!now.missing_group.empty()) throw Error(fmt::format("group `{}` does not exist", now.missing_group));
    if (!now.uid_holder.empty())
      throw Error(fmt::format("uid {} belongs to user `{}`", *d.uid, now.uid_holder));
    Diff diff = now.account ? change(d, now) : creation(d, now);
    if (now.makes_home) make_home(d, now, diff);
    return diff;
  }

  // The home is removed first: an interrupted removal is resumed as long as the account exists.
  static Diff removal(const Desired& d, const Current& now) {
    if (!now.account) return {};
    Diff diff;
    diff.changes.push_back(Change::remove());
    if (d.remove_home && now.home_status) {
      if (now.home_status->owner != d.name)
        throw Error(fmt::format("{} is the home of `{}` but belongs to `{}`: it is not removed", now.home,
                                d.name, now.home_status->owner));
      diff.changes.push_back({.property = "home folder", .before = now.home, .after = {}});
      diff.actions.push_back(RemovePath{now.home, true});
    }
    if (now.own_group_goes) diff.changes.push_back({.property = "group", .before = d.name, .after = {}});
    const auto goes = [&](const char* property, const Names& names) {
      if (!names.empty())
        diff.changes.push_back({.property = property, .before = list(names), .after = Value::Array{}});
    };
    goes("groups", now.account->groups);
    goes("subuids", now.subuids);
    goes("subgids", now.subgids);
    if (now.assumed && now.subordinate_count > 0 && now.subuids.empty())
      diff.changes.push_back({.property = "subuids",
                              .after = "not known before useradd assigns them",
                              .kind = Change::Kind::unknown});
    diff.actions.push_back(RemoveUser{d.name, d.keep_group});
    return diff;
  }

  static std::string shell_of(const Desired& d, const Current& now) {
    if (d.shell) return *d.shell;
    if (d.system) return "/usr/sbin/nologin";
    return now.bash ? "/bin/bash" : "/bin/sh";
  }

  static Diff creation(const Desired& d, const Current& now) {
    Diff diff;
    CreateUser create{.name = d.name, .uid = d.uid, .system = d.system};
    create.group = d.group ? *d.group : now.own_group ? d.name : "";
    create.home = now.home;
    create.shell = shell_of(d, now);
    create.comment = d.comment.value_or("");
    create.groups = wanted_groups(d);
    std::erase(create.groups, create.group.empty() ? d.name : create.group);
    auto& changes = diff.changes;
    changes.push_back(Change::create());
    if (d.uid) changes.push_back({.property = "uid", .after = std::int64_t{*d.uid}});
    changes.push_back({.property = "group", .after = create.group.empty() ? d.name : create.group});
    if (!create.groups.empty()) changes.push_back({.property = "groups", .after = list(create.groups)});
    changes.push_back({.property = "home", .after = create.home});
    changes.push_back({.property = "shell", .after = create.shell});
    if (!create.comment.empty()) changes.push_back({.property = "comment", .after = create.comment});
    if (now.subordinate_count > 0)
      changes.push_back({.property = "subordinate ids", .after = std::int64_t{now.subordinate_count}});
    diff.actions.push_back(std::move(create));
    return diff;
  }

  static Diff change(const Desired& d, const Current& now) {
    Diff diff;
    const UserAccount& has = *now.account;
    ChangeUser change{.name = d.name};
    if (d.uid && has.uid != d.uid) {
      change.uid = d.uid;
      const Value before = has.uid ? Value(std::int64_t{*has.uid}) : Value();
      diff.changes.push_back({.property = "uid", .before = before, .after = std::int64_t{*d.uid}});
    }
    const auto text = [&](const char* property, const std::optional<std::string>& wanted,
                          const std::string& before, std::optional<std::string>& into) {
      if (!wanted || *wanted == before) return;
      into = wanted;
      diff.changes.push_back({.property = property, .before = before, .after = *wanted});
    };
    text("group", d.group, has.group, change.group);
    text("home", d.home ? std::optional(d.home->text) : std::nullopt, has.home, change.home);
    text("shell", d.shell, has.shell, change.shell);
    text("comment", d.comment, has.comment, change.comment);
    if (!diff.changes.empty()) diff.actions.push_back(std::move(change));
    change_membership(d, has, diff);
    return diff;
  }

  static void change_membership(const Desired& d, const UserAccount& has, Diff& diff) {
    if (!d.groups && !d.only_groups) return;
    const std::string& primary = d.group ? *d.group : has.group;
    ChangeMembership membership{.user = d.name};
    const Names wanted = wanted_groups(d);
    for (const std::string& group : wanted)
      if (group != primary && !contains(has.groups, group)) membership.add.push_back(group);
    if (d.only_groups)
      for (const std::string& group : has.groups)
        if (!contains(wanted, group)) membership.remove.push_back(group);
    if (membership.add.empty() && membership.remove.empty()) return;
    Names after = has.groups;
    for (const std::string& group : membership.remove) std::erase(after, group);
    after.insert(after.end(), membership.add.begin(), membership.add.end());
    diff.changes.push_back({.property = "groups", .before = list(has.groups), .after = list(sorted(after))});
    diff.actions.push_back(std::move(membership));
  }

  // Beside the home, in the same folder: it becomes the home by an atomic rename.
  static std::string staging(const std::string& home) {
    const auto slash = home.rfind('/');
    return fmt::format("{}/.{}.mlops-agent-new", home.substr(0, slash), home.substr(slash + 1));
  }

  static void make_home(const Desired& d, const Current& now, Diff& diff) {
    const std::string group = d.group ? *d.group : now.account ? now.account->group : d.name;
    const std::string at = staging(now.home);
    diff.changes.push_back({.property = "home folder", .after = now.home});
    for (const std::string& folder : now.missing_parents)
      diff.actions.push_back(CreateDirectory{folder, 0755, "", ""});
    if (now.abandoned) diff.actions.push_back(RemovePath{at, true});
    diff.actions.push_back(CreateDirectory{at, 0700, "", ""});
    for (const SkeletonEntry& entry : now.skeleton) {
      const FileView& view = entry.view;
      if (view.status.type == FileType::directory)
        diff.actions.push_back(CreateDirectory{at + entry.path, view.status.mode, d.name, group});
      else if (view.status.type == FileType::symlink)
        diff.actions.push_back(CreateLink{at + entry.path, view.target, d.name, group});
      else if (view.content)
        diff.actions.push_back(WriteFile{at + entry.path, *view.content, view.status.mode, d.name, group});
    }
    diff.actions.push_back(SetAttributes{at, now.home_mode, d.name, group});
    diff.actions.push_back(RenamePath{at, now.home});
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
    const bool numbered = now.account && now.account->uid;
    v.set("uid", numbered ? Value(std::int64_t{*now.account->uid}) : Value());
    v.set("home", now.account ? Value(now.account->home) : Value());
    v.set("shell", now.account ? Value(now.account->shell) : Value());
    return v;
  }
};

}  // namespace
MLOPS_MODULE(User);
}  // namespace mlops::modules
