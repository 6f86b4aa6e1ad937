#include "state/kept.hpp"

#include <array>
#include <map>
#include <type_traits>

#include "base/url_password.hpp"
#include "state/json_value.hpp"

namespace mlops {
namespace {

// ---- the stored members, by name -------------------------------------------------------------------------
// Names are part of the format on disk: add to them, but never change one.

template <class V>
void members(V&& v, WriteFile& a) {
  v("path", a.path), v("mode", a.mode), v("owner", a.owner), v("group", a.group),
      v("replace_link", a.replace_link);
  v("sensitive", a.sensitive);
}
template <class V>
void members(V&& v, CreateSecret& a) {
  v("path", a.path), v("bytes", a.bytes), v("owner", a.owner), v("group", a.group);
}
template <class V>
void members(V&& v, CreateDirectory& a) {
  v("path", a.path), v("mode", a.mode), v("owner", a.owner), v("group", a.group);
}
template <class V>
void members(V&& v, CreateLink& a) {
  v("path", a.path), v("target", a.target), v("owner", a.owner), v("group", a.group);
}
template <class V>
void members(V&& v, SetAttributes& a) {
  v("path", a.path), v("mode", a.mode), v("owner", a.owner), v("group", a.group), v("extended", a.extended);
}
template <class V>
void members(V&& v, RemovePath& a) {
  v("path", a.path), v("recursive", a.recursive), v("sensitive", a.sensitive);
}
template <class V>
void members(V&& v, RenamePath& a) {
  v("from", a.from), v("to", a.to);
}
template <class V>
void members(V&& v, SavedBelow& b) {
  v("saved", b.saved);
}
template <class V>
void members(V&& v, RestorePath& a) {
  v("saved", a.saved), v("below", a.below);
}
template <class V>
void members(V&& v, CreateGroup& a) {
  v("name", a.name), v("gid", a.gid), v("system", a.system), v("unless_there", a.unless_there);
}
template <class V>
void members(V&& v, ChangeGroup& a) {
  v("name", a.name), v("gid", a.gid);
}
template <class V>
void members(V&& v, RemoveGroup& a) {
  v("name", a.name);
}
template <class V>
void members(V&& v, CreateUser& a) {
  v("name", a.name), v("uid", a.uid), v("system", a.system), v("group", a.group), v("home", a.home);
  v("shell", a.shell), v("comment", a.comment), v("groups", a.groups), v("subuids", a.subuids);
  v("subgids", a.subgids);
}
template <class V>
void members(V&& v, ChangeUser& a) {
  v("name", a.name), v("uid", a.uid), v("group", a.group), v("home", a.home), v("shell", a.shell);
  v("comment", a.comment);
}
template <class V>
void members(V&& v, RemoveUser& a) {
  v("name", a.name), v("keep_group", a.keep_group);
}
template <class V>
void members(V&& v, ChangeMembership& a) {
  v("user", a.user), v("add", a.add), v("remove", a.remove);
}
template <class V>
void members(V&& v, PackageChange& a) {
  v("name", a.name), v("version_before", a.version_before), v("version_after", a.version_after);
}
template <class V>
void members(V&& v, InstallPackages& a) {
  v("wanted", a.wanted), v("refresh_index", a.refresh_index), v("expected", a.expected);
  v("automatic", a.automatic), v("manual", a.manual);
}
template <class V>
void members(V&& v, RemovePackages& a) {
  v("names", a.names), v("expected", a.expected), v("purged", a.purged);
}
template <class V>
void members(V&&, RepairPackages&) {}
template <class V>
void members(V&& v, ChangeUnit& a) {
  v("unit", a.unit), v("verb", a.verb);
}
template <class V>
void members(V&& v, Command& a) {
  v("argv", a.argv), v("cwd", a.cwd);
}
template <class V>
void members(V&& v, RunCommand& a) {
  v("command", a.command), v("creates", a.creates), v("bounded", a.bounded);
  v("remove_on_failure", a.remove_on_failure), v("doing", a.doing);
}
template <class V>
void members(V&& v, Download& a) {
  v("url", a.url), v("path", a.path), v("sha256", a.sha256), v("mode", a.mode), v("owner", a.owner);
  v("group", a.group);
}
template <class V>
void members(V&& v, Endpoint& e) {
  v("host", e.host), v("port", e.port), v("path", e.path);
}
template <class V>
void members(V&& v, Tunnel& t) {
  v("name", t.name), v("direction", t.direction), v("via", t.via), v("listen", t.listen), v("target", t.target);
  v("at_login", t.at_login), v("ssh_config", t.ssh_config);
}
template <class V>
void members(V&& v, StartTunnel& a) {
  v("tunnel", a.tunnel);
}
template <class V>
void members(V&& v, StopTunnel& a) {
  v("name", a.name);
}
template <class V>
void members(V&& v, SavedPath& p) {
  v("path", p.path), v("kind", p.kind), v("mode", p.mode), v("owner", p.owner), v("group", p.group);
  v("accessed_ns", p.accessed_ns), v("modified_ns", p.modified_ns), v("attributes", p.attributes);
  v("target", p.target), v("size", p.size), v("digest", p.digest), v("hard_link", p.hard_link),
      v("inode", p.inode);
  v("other_names", p.other_names);
}
template <class V>
void members(V&& v, UserAccount& u) {
  v("name", u.name), v("uid", u.uid), v("group", u.group), v("comment", u.comment), v("home", u.home);
  v("shell", u.shell), v("groups", u.groups);
}
template <class V>
void members(V&& v, GroupAccount& g) {
  v("name", g.name), v("gid", g.gid), v("members", g.members);
}
template <class V>
void members(V&& v, Before& b) {
  v("paths", b.paths), v("not_kept", b.not_kept), v("user", b.user), v("group", b.group), v("active", b.active);
  v("enabled", b.enabled), v("tunnel", b.tunnel), v("packages", b.packages), v("package_list", b.package_list);
  v("configured", b.configured), v("automatic", b.automatic), v("subuids", b.subuids), v("subgids", b.subgids);
}

// ---- names of actions and of enumerators --------------------------------------------------------------------

constexpr const char* name_of(const WriteFile*) { return "write_file"; }
constexpr const char* name_of(const CreateSecret*) { return "create_secret"; }
constexpr const char* name_of(const CreateDirectory*) { return "create_directory"; }
constexpr const char* name_of(const CreateLink*) { return "create_link"; }
constexpr const char* name_of(const SetAttributes*) { return "set_attributes"; }
constexpr const char* name_of(const RemovePath*) { return "remove_path"; }
constexpr const char* name_of(const RenamePath*) { return "rename_path"; }
constexpr const char* name_of(const RestorePath*) { return "restore_path"; }
constexpr const char* name_of(const CreateGroup*) { return "create_group"; }
constexpr const char* name_of(const ChangeGroup*) { return "change_group"; }
constexpr const char* name_of(const RemoveGroup*) { return "remove_group"; }
constexpr const char* name_of(const CreateUser*) { return "create_user"; }
constexpr const char* name_of(const ChangeUser*) { return "change_user"; }
constexpr const char* name_of(const RemoveUser*) { return "remove_user"; }
constexpr const char* name_of(const ChangeMembership*) { return "change_membership"; }
constexpr const char* name_of(const InstallPackages*) { return "install_packages"; }
constexpr const char* name_of(const RemovePackages*) { return "remove_packages"; }
constexpr const char* name_of(const RepairPackages*) { return "repair_packages"; }
constexpr const char* name_of(const ChangeUnit*) { return "change_unit"; }
constexpr const char* name_of(const RunCommand*) { return "run_command"; }
constexpr const char* name_of(const Download*) { return "download"; }
constexpr const char* name_of(const StartTunnel*) { return "start_tunnel"; }
constexpr const char* name_of(const StopTunnel*) { return "stop_tunnel"; }

constexpr auto words_of(ChangeUnit::Verb) {
  return std::array{"start", "stop", "restart", "reload", "enable", "disable"};
}
constexpr auto words_of(Tunnel::Direction) { return std::array{"local", "remote", "dynamic"}; }
constexpr auto words_of(SavedPath::Kind) { return std::array{"absent", "file", "folder", "link", "other"}; }

// ---- to values and back -------------------------------------------------------------------------------------

// Members with their default value are omitted: most have it.

template <class T>
Value put(const T& item);

Value put(const std::string& text) { return kept_text(text); }
template <class T>
Value put(const std::vector<T>& list) {
  Value::Array items;
  for (const T& item : list) items.push_back(put(item));
  return Value(std::move(items));
}
Value put(const std::map<std::string, std::string>& map) {
  Value v{Value::Object{}};
  for (const auto& [key, text] : map) v.set(key, kept_text(text));
  return v;
}

struct Putter {
  Value into{Value::Object{}};
  template <class T>
  void operator()(const char* name, T& member) {
    if (!(member == T())) into.set(name, put(member));
  }
  template <class T>
  void operator()(const char* name, std::vector<T>& list) {
    if (!list.empty()) into.set(name, put(list));
  }
  // Types without equality, or for which empty differs from absent.
  template <class T>
  void operator()(const char* name, std::optional<T>& member) {
    if (member) into.set(name, put(*member));
  }
  void operator()(const char* name, Command& member) { into.set(name, put(member)); }
};

template <class T>
Value put(const T& item) {
  if constexpr (std::is_enum_v<T>) {
    return Value(words_of(item)[static_cast<std::size_t>(item)]);
  } else if constexpr (std::is_same_v<T, bool>) {
    return Value(item);
  } else if constexpr (std::is_integral_v<T>) {
    return Value(static_cast<std::int64_t>(item));
  } else {
    Putter putter;
    members(putter, const_cast<T&>(item));  // it only reads
    return std::move(putter.into);
  }
}

void get(const Value& v, std::string& into) { into = text_of(&v); }
void get(const Value& v, bool& into) { into = v.is_bool() && v.as_bool(); }
template <class T>
void get(const Value& v, T& into);
template <class T>
void get(const Value& v, std::vector<T>& into);
void get(const Value& v, std::map<std::string, std::string>& into);
template <class T>
void get(const Value& v, std::optional<T>& into) {
  get(v, into.emplace());
}
template <class T>
void get(const Value& v, std::vector<T>& into) {
  if (!v.is_array()) return;
  for (const Value& item : v.as_array()) get(item, into.emplace_back());
}
void get(const Value& v, std::map<std::string, std::string>& into) {
  if (!v.is_object()) return;
  for (const auto& member : v.as_object()) into[member.key] = text_of(&member.value);
}

struct Getter {
  const Value& from;
  template <class T>
  void operator()(const char* name, T& member) const {
    if (const Value* found = from.find(name)) get(*found, member);
  }
};

template <class T>
void get(const Value& v, T& into) {
  if constexpr (std::is_enum_v<T>) {
    constexpr auto words = words_of(T());
    for (std::size_t i = 0; i < words.size(); ++i)
      if (v.is_string() && v.as_string() == words[i]) into = static_cast<T>(i);
  } else if constexpr (std::is_integral_v<T>) {
    if (v.is_integer()) into = static_cast<T>(v.as_integer());
  } else {
    members(Getter{v}, into);
  }
}

template <class... As>
std::optional<Action> action_named(const std::string& name, const Value& with, const std::variant<As...>*) {
  std::optional<Action> found;
  const auto matches = [&]<class A>(const A*) {
    if (name != name_of(static_cast<const A*>(nullptr))) return;
    A action{};
    get(with, action);
    found = std::move(action);
  };
  (matches(static_cast<const As*>(nullptr)), ...);
  return found;
}

}  // namespace

namespace {

// Commands and downloads are stored for display, never to be repeated: a password in a URL need not be on the
// disk.
template <class A>
A without_passwords(const A& action) {
  return action;
}
RunCommand without_passwords(RunCommand run) {
  for (std::string& word : run.command.argv) word = without_url_passwords(std::move(word));
  run.doing = without_url_passwords(std::move(run.doing));
  return run;
}
Download without_passwords(Download download) {
  download.url = without_url_passwords(std::move(download.url));
  return download;
}

}  // namespace

Value to_kept(const Action& action) {
  return std::visit(
      []<class A>(const A& a) {
        Value v;
        v.set(name_of(&a), put(without_passwords(a)));
        return v;
      },
      action);
}

std::optional<Action> kept_action(const Value& kept) {
  if (!kept.is_object() || kept.as_object().size() != 1) return std::nullopt;
  const auto& [key, where, value] = kept.as_object().front();
  return action_named(key, value, static_cast<const Action*>(nullptr));
}

Value to_kept(const Before& before) { return put(before); }

Before kept_before(const Value& kept) {
  Before before;
  get(kept, before);
  return before;
}

Value to_kept(const Change& change) {
  const bool secret = change.sensitive || holds_secret(change.before) || holds_secret(change.after);
  const auto shown = [&](const Value& v) { return secret && !v.is_null() ? Value("***") : v; };
  Value v;
  v.set("property", change.property);
  v.set("before", shown(change.before));
  v.set("after", shown(change.after));
  if (change.kind == Change::Kind::event) v.set("event", true);
  if (secret) v.set("sensitive", true);
  if (!secret && !change.text_diff.empty()) v.set("text_diff", change.text_diff);
  return v;
}

Change kept_change(const Value& kept) {
  Change change;
  change.property = text_of(kept.find("property"));
  if (const Value* before = kept.find("before")) change.before = *before;
  if (const Value* after = kept.find("after")) change.after = *after;
  if (kept.find("event")) change.kind = Change::Kind::event;
  change.sensitive = kept.find("sensitive") != nullptr;
  change.text_diff = text_of(kept.find("text_diff"));
  return change;
}

}  // namespace mlops
