// A machine that exists only in a test: it has only what the test put in. For the tables of modules.
#pragma once

#include <map>
#include <set>
#include <stdexcept>

#include "machine/machine.hpp"
#include "model/diagnostic.hpp"
#include "model/document.hpp"
#include "resource/module.hpp"

namespace mlops::test {

struct FakeFiles : FileReader {
  std::map<std::string, FileView> entries;  // by path; folders on the way need not be listed
  void folder(const std::string& path, std::uint32_t mode = 0755, std::string owner = "root") {
    entries[path] = {{FileType::directory, mode, owner, owner}, "", {}};
  }
  void file(const std::string& path, std::string content, std::uint32_t mode = 0644,
            std::string owner = "root") {
    FileView v{{FileType::regular, mode, owner, owner}, "", content};
    v.status.size = content.size();
    entries[path] = v;
  }
  void link(const std::string& path, std::string target, std::string owner = "root") {
    entries[path] = {{FileType::symlink, 0777, owner, owner}, std::move(target), {}};
  }
  std::optional<FileView> view(const std::string& path, std::uint64_t limit) const override {
    const auto found = entries.find(path);
    if (found == entries.end()) return {};
    FileView v = found->second;
    if (v.content && (limit == 0 || v.content->size() > limit)) v.content.reset();
    return v;
  }
  std::optional<std::vector<std::string>> list(const std::string& path) const override {
    const auto found = entries.find(path);
    if (found == entries.end() || found->second.status.type != FileType::directory) return {};
    std::vector<std::string> names;
    const std::string prefix = path == "/" ? "/" : path + "/";
    for (const auto& [name, v] : entries)
      if (name.starts_with(prefix) && name.size() > prefix.size() &&
          name.find('/', prefix.size()) == std::string::npos)
        names.push_back(name.substr(prefix.size()));
    return names;
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    std::string at = path;
    for (int i = 0; i < 40; ++i) {
      const auto found = entries.find(at);
      if (found == entries.end()) return {};
      if (found->second.status.type != FileType::symlink) return at;
      const std::string& target = found->second.target;
      at = target.starts_with('/') ? target : at.substr(0, at.rfind('/') + 1) + target;
    }
    return {};
  }
  std::map<std::string, Grants> granted;  // by path
  std::optional<Grants> grants(const std::string& path) const override {
    if (!entries.contains(path)) return {};
    const auto found = granted.find(path);
    return found == granted.end() ? Grants() : found->second;
  }
  std::map<std::string, std::string> digests;  // by path
  std::optional<std::string> sha256(const std::string& path) const override {
    const auto found = digests.find(path);
    return found == digests.end() ? std::nullopt : std::optional(found->second);
  }
};

struct FakeAccounts : AccountReader {
  std::map<std::string, UserAccount> users;
  std::map<std::string, GroupAccount> groups;
  std::optional<UserAccount> user(const std::string& n) const override {
    const auto f = users.find(n);
    return f == users.end() ? std::nullopt : std::optional(f->second);
  }
  std::optional<GroupAccount> group(const std::string& n) const override {
    const auto f = groups.find(n);
    return f == groups.end() ? std::nullopt : std::optional(f->second);
  }
  std::optional<UserAccount> user_by_uid(std::uint32_t uid) const override {
    for (const auto& [n, u] : users)
      if (u.uid == uid) return u;
    return {};
  }
  std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const override {
    for (const auto& [n, g] : groups)
      if (g.gid == gid) return g;
    return {};
  }
};

struct FakePackages : PackageReader {
  std::map<std::string, InstalledPackage> present;
  std::map<std::string, std::string> candidates;             // name -> version
  std::map<std::string, std::vector<PackageChange>> brings;  // name -> what comes along
  bool cut_short = false;
  std::optional<std::uint64_t> age = 60;
  std::optional<InstalledPackage> installed(const std::string& n) const override {
    const auto f = present.find(n);
    return f == present.end() ? std::nullopt : std::optional(f->second);
  }
  bool interrupted() const override { return cut_short; }
  std::optional<std::uint64_t> index_age() const override { return age; }
  std::optional<std::string> candidate(const std::string& n) const override {
    const auto f = candidates.find(n);
    return f == candidates.end() ? std::nullopt : std::optional(f->second);
  }
  Forecast forecast_install(const std::vector<std::string>& wanted) const override {
    Forecast f;
    f.of_older_index = of_older_index;
    for (const std::string& w : wanted) {
      const std::string name = w.substr(0, w.find('='));
      const auto c = candidates.find(name);
      if (c == candidates.end()) {
        f.unknown.push_back(name);
        continue;
      }
      const auto i = present.find(name);
      f.changes.push_back({name, i == present.end() ? "" : i->second.version,
                           w.size() > name.size() ? w.substr(name.size() + 1) : c->second});
      if (const auto b = brings.find(name); b != brings.end())
        f.changes.insert(f.changes.end(), b->second.begin(), b->second.end());
    }
    return f;
  }
  Forecast forecast_removal(const std::vector<std::string>& names) const override {
    Forecast f;
    for (const std::string& n : names)
      if (const auto i = present.find(n); i != present.end()) f.changes.push_back({n, i->second.version, ""});
    return f;
  }
  std::vector<std::string> similar(const std::string&) const override { return {}; }
  PurgeLoss purge_loss(const std::string&) const override { return {}; }
  bool of_older_index = false;  // see Forecast
  bool outdated = false;
  bool index_outdated() const override { return outdated; }
  std::map<std::string, std::vector<PackagedPath>> archives;  // name -> what its cached archive contains
  std::optional<std::vector<PackagedPath>> contents(const std::string& n, const std::string&) const override {
    const auto f = archives.find(n);
    return f == archives.end() ? std::nullopt : std::optional(f->second);
  }
  std::map<std::string, std::vector<std::string>> unneeded;  // name -> what nothing needs without it
  std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const override {
    std::vector<std::string> all;
    for (const std::string& n : names)
      if (const auto f = unneeded.find(n); f != unneeded.end())
        all.insert(all.end(), f->second.begin(), f->second.end());
    return all;
  }
};

struct FakeServices : ServiceReader {
  std::map<std::string, std::string> logs;  // unit -> its last lines
  std::string log_since(const std::string& n, std::uint64_t) const override {
    const auto f = logs.find(n);
    return f == logs.end() ? "" : f->second;
  }
  std::map<std::string, Unit> units;
  bool no_systemd = false;
  Unit unit(const std::string& n) const override {
    if (no_systemd) throw Error("systemd does not run here", ErrorKind::unavailable);
    const auto f = units.find(n);
    return f == units.end() ? Unit{n, "not-found", "inactive", "dead", "", false, "0"} : f->second;
  }
};

struct FakeCommands : CommandReader {
  std::map<std::vector<std::string>, CommandResult> answers;
  mutable std::vector<Command> asked;
  CommandResult run(const Command& c) const override {
    asked.push_back(c);
    const auto f = answers.find(c.argv);
    if (f == answers.end()) throw Error("cannot start " + c.argv.at(0) + ": no such program");
    return f->second;
  }
};

struct FakeDownloads : DownloadReader {
  std::map<std::string, std::string> published;  // sha256_url -> digest
  std::map<std::string, std::string> proofs;     // path -> digest
  std::set<std::string> same;                    // paths
  std::map<std::string, std::string> mirrors;
  std::string published_sha256(const std::string& url, const std::string&, std::uint64_t) const override {
    const auto f = published.find(url);
    if (f == published.end()) throw Error("GET " + url + ": 404 Not Found");
    return f->second;
  }
  std::optional<std::string> proved(const std::string& path, const std::string&,
                                    const std::string&) const override {
    const auto f = proofs.find(path);
    return f == proofs.end() ? std::nullopt : std::optional(f->second);
  }
  bool unchanged(const std::string& path, const std::string&, std::uint64_t) const override {
    return same.count(path) != 0;
  }
  std::optional<std::string> mirrored(const std::string& url) const override {
    const auto f = mirrors.find(url);
    return f == mirrors.end() ? std::nullopt : std::optional(f->second);
  }
};

struct FakeTunnels : TunnelReader {
  std::map<std::string, TunnelView> known;       // by name
  std::map<std::string, std::string> listeners;  // place as text -> program
  std::optional<TunnelView> tunnel(const std::string& name) const override {
    const auto f = known.find(name);
    return f == known.end() ? std::nullopt : std::optional(f->second);
  }
  std::optional<std::string> listener(const Endpoint& place) const override {
    const auto f = listeners.find(place.to_text());
    return f == listeners.end() ? std::nullopt : std::optional(f->second);
  }
};

struct FakeNetwork : NetworkReader {
  std::map<std::uint16_t, Listener> listeners;  // by port
  std::map<std::uint16_t, int> answers;         // by port
  mutable std::vector<HttpGet> asked;
  std::optional<Listener> listener_at(const std::string&, std::uint16_t port) const override {
    const auto f = listeners.find(port);
    return f == listeners.end() ? std::nullopt : std::optional(f->second);
  }
  std::optional<int> http_status(const HttpGet& get) const override {
    asked.push_back(get);
    const auto f = answers.find(get.port);
    return f == answers.end() ? std::nullopt : std::optional(f->second);
  }
};

// One account and one region, whatever the scope; each question is noted.
struct FakeCloud : CloudReader {
  std::map<std::string, CloudKeyPair> key_pairs;            // by name
  std::map<std::string, CloudGroup> groups;                 // "NAME", or "VPC NAME" outside of the default one
  std::map<std::string, CloudInstances> named;              // instances by name
  std::map<std::string, CloudAddress> addresses;            // by name
  std::map<std::string, std::string> public_keys;           // by the path of the private key
  std::optional<CloudOffer> offered;                        // an Error without it
  std::string own = "203.0.113.7", default_vpc = "vpc-0d";  // own: address
  mutable std::vector<CloudScope> scopes;
  mutable std::vector<InstanceSpec> asked;
  CloudCaller caller(const CloudScope& scope) const override {
    scopes.push_back(scope);
    return {"123456789012", "arn:aws:iam::123456789012:user/ada", "", scope.region, ""};
  }
  std::optional<CloudKeyPair> key_pair(const CloudScope& scope, const std::string& name) const override {
    scopes.push_back(scope);
    return find(key_pairs, name);
  }
  std::optional<CloudGroup> group(const CloudScope& scope, const std::string& vpc,
                                  const std::string& name) const override {
    scopes.push_back(scope);
    return find(groups, vpc.empty() || vpc == default_vpc ? name : vpc + " " + name);
  }
  CloudOffer offer(const CloudScope& scope, const InstanceSpec& spec) const override {
    scopes.push_back(scope);
    asked.push_back(spec);
    if (!offered) throw Error("no offer was expected to be asked for");
    return *offered;
  }
  CloudInstances instances(const CloudScope& scope, const std::string& name) const override {
    scopes.push_back(scope);
    return find(named, name).value_or(CloudInstances());
  }
  std::optional<CloudAddress> address(const CloudScope& scope, const std::string& name) const override {
    scopes.push_back(scope);
    return find(addresses, name);
  }
  std::vector<CloudInstance> all_instances(const CloudScope& scope) const override {
    scopes.push_back(scope);
    std::vector<CloudInstance> all;
    for (const auto& [name, some] : named) all.insert(all.end(), some.alive.begin(), some.alive.end());
    return all;
  }
  std::string own_address() const override { return own; }
  std::optional<std::string> public_key(const std::string& path) const override {
    return find(public_keys, path);
  }

 private:
  template <class T>
  static std::optional<T> find(const std::map<std::string, T>& map, const std::string& key) {
    const auto f = map.find(key);
    return f == map.end() ? std::nullopt : std::optional(f->second);
  }
};

// One daemon, whatever the socket; each question is noted.
struct FakeContainers : ContainerReader {
  std::map<std::string, ContainerImage> images;  // by name
  mutable std::vector<std::string> asked;        // "SOCKET NAME"
  std::optional<Error> trouble;                  // that each question ends with
  std::optional<ContainerImage> image(const std::string& socket, const std::string& name) const override {
    asked.push_back(socket + " " + name);
    if (trouble) throw *trouble;
    const auto f = images.find(name);
    return f == images.end() ? std::nullopt : std::optional(f->second);
  }
};

struct FakeMachine : MachineReader {
  FakeFiles f;
  FakeAccounts a;
  FakePackages p;
  FakeServices s;
  FakeCommands c;
  FakeDownloads d;
  FakeTunnels t;
  FakeNetwork n;
  FakeCloud cl;
  FakeContainers i;
  const FileReader& files() const override { return f; }
  const AccountReader& accounts() const override { return a; }
  const PackageReader& packages() const override { return p; }
  const ServiceReader& services() const override { return s; }
  const CommandReader& commands() const override { return c; }
  const DownloadReader& downloads() const override { return d; }
  const TunnelReader& tunnels() const override { return t; }
  const NetworkReader& network() const override { return n; }
  const CloudReader& cloud() const override { return cl; }
  const ContainerReader& containers() const override { return i; }
};

// What a module makes of parameters (JSON) on a machine. Throws std::runtime_error with the diagnostics when
// the parameters are wrong.
struct Tried {
  std::any desired, current;
  Diff diff;
};
inline Tried try_module(const std::string& type, const std::string& json, const MachineReader& machine,
                        bool notified = false) {
  const Module* module = find_module(type);
  if (!module) throw std::runtime_error("no module " + type);
  static std::vector<std::unique_ptr<Source>> sources;  // values point into them for as long as the tests run
  const Source& source = *sources.emplace_back(std::make_unique<Source>(Source{"test.json", json}));
  Diagnostics diagnostics;
  const auto params = parse_document(source, diagnostics);
  Decoder decoder{diagnostics, "/home/ubuntu", {&source, 1, 1}, true};
  decoder.user = "ubuntu";
  Tried t;
  if (params) t.desired = module->decode(*params, decoder, {});
  if (!diagnostics.empty() || !t.desired.has_value()) {
    std::string all;
    for (const Diagnostic& d : diagnostics.list()) all += to_text(d);
    throw std::runtime_error(all);
  }
  t.current = module->inspect(t.desired, machine);
  t.diff = module->diff(t.desired, t.current, notified);
  return t;
}

// One action's alternative, or null when the i-th action is of another type.
template <class T>
const T* action(const Diff& diff, std::size_t i) {
  return i < diff.actions.size() ? std::get_if<T>(&diff.actions[i]) : nullptr;
}

}  // namespace mlops::test
