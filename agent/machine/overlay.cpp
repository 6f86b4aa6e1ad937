#include "machine/overlay.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>

#include "domains/accounts/overlay.hpp"
#include "domains/files/overlay.hpp"
#include "domains/files/paths.hpp"
#include "domains/network/overlay.hpp"
#include "domains/packages/overlay.hpp"
#include "domains/services/overlay.hpp"
#include "domains/tunnels/overlay.hpp"

namespace mlops {
namespace {

using Labels = std::vector<std::string>;

void add(Labels& labels, const std::string& label) {
  if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
}

// Where packages put files and their scripts create them (Filesystem Hierarchy Standard 3.0).
bool belongs_to_packages(std::string_view path) {
  static constexpr std::array folders{"/etc",  "/usr", "/lib", "/lib64", "/bin",
                                      "/sbin", "/opt", "/var", "/boot"};
  return std::any_of(folders.begin(), folders.end(),
                     [&](const char* folder) { return is_within(path, folder); });
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// sources.list(5)
bool is_list_of_sources(std::string_view path) {
  return path == "/etc/apt/sources.list" || is_within(path, "/etc/apt/sources.list.d");
}

// State shared by all identities of the simulated host.
struct Pending {
  // Units are read as root: without a bus only root can ask systemd.
  Pending(Machine& real, Machine& root)
      : accounts(real.accounts()),
        packages(real.packages()),
        services(root.services()),
        tunnels(real.tunnels()) {}

  std::string person;  // the person that the run is for
  OverlayFiles files;
  OverlayAccounts accounts;
  OverlayPackages packages;
  OverlayServices services;
  OverlayTunnels tunnels;
  OverlayNetwork network;
  std::string label;                              // whose actions these are
  Labels all;                                     // resources that performed any action
  Labels installing;                              // resources whose packages' scripts will run
  Labels unforeseen;                              // those of them whose further packages are not known
  Labels running;                                 // resources whose programs may change any state
  std::map<std::string, std::string> downloaded;  // path -> url
  Labels units;                                   // that were acted on
  std::map<std::string, Labels> path;             // by user: folders that commands find before PATH
  std::optional<Labels> depended_on;              // by the current resource, if it declares them
  mutable Labels doubts;
  mutable Labels awaited;  // those of them that may create what was found absent

  // Packages whose installation is simulated, and whose files are not in the tree yet.
  struct Bringing {
    std::string name, version, label;
  };
  std::vector<Bringing> bringing;

  // Throws Unknown if a program that may change any state comes first.
  void need_foresight() const {
    if (!running.empty()) throw Unknown{running, ""};
  }
  void doubt(const Labels& labels) const {
    for (const std::string& one : labels) add(doubts, one);
  }
  // Notes that these resources may create what is absent.
  void await(const Labels& labels) const {
    doubt(labels);
    for (const std::string& one : labels) add(awaited, one);
  }
  template <class T>
  T with_doubt(T found, bool absent) const {
    if (absent) await(installing);
    return found;
  }
};

class OverlayMachine : public Machine,
                       FileReader,
                       AccountReader,
                       PackageReader,
                       ServiceReader,
                       CommandReader,
                       DownloadReader,
                       TunnelReader,
                       NetworkReader {
 public:
  OverlayMachine(Pending& pending, Machine& real, std::string user)
      : p_(pending), real_(real), user_(std::move(user)) {}

  const FileReader& files() const override { return *this; }
  const AccountReader& accounts() const override { return *this; }
  const PackageReader& packages() const override { return *this; }
  const ServiceReader& services() const override { return *this; }
  const CommandReader& commands() const override { return *this; }
  const DownloadReader& downloads() const override { return *this; }
  const TunnelReader& tunnels() const override { return *this; }
  const NetworkReader& network() const override { return *this; }

  void perform(std::span<const Action> actions) override {
    if (actions.size() < 2 || !are_foreseen(actions)) return apply_each(actions);
    auto accounts = p_.accounts.state();
    auto downloaded = p_.downloaded;
    const bool first = std::find(p_.all.begin(), p_.all.end(), p_.label) == p_.all.end();
    p_.files.begin();
    try {
      apply_each(actions);
    } catch (const Error&) {
      p_.files.go_back();
      p_.accounts.go_back(std::move(accounts));
      p_.downloaded = std::move(downloaded);
      if (first) std::erase(p_.all, p_.label);
      throw;
    } catch (...) {
      p_.files.commit();
      throw;
    }
    p_.files.commit();
  }

 private:
  void apply_each(std::span<const Action> actions) {
    for (const Action& action : actions) {
      std::visit([this](const auto& a) { apply(a); }, action);
      add(p_.all, p_.label);
    }
  }
  // ---- reading ----
  // A path that is absent where packages put files may come with a pending package.
  template <class Read>
  auto read_file(const std::string& path, const Read& read) const {
    p_.need_foresight();
    auto found = read();
    if (found || p_.installing.empty() || !belongs_to_packages(path)) return found;
    if (put_packaged_files()) found = read();
    if (!found) p_.await(p_.installing);
    return found;
  }
  // Adds the files in the archives of pending packages to the tree; false if there was nothing to add. Done
  // lazily: reading an archive takes a while.
  bool put_packaged_files() const {
    bool any = false;
    for (const Pending::Bringing& one : std::exchange(p_.bringing, {})) {
      const auto contents = p_.packages.contents(one.name, one.version);
      for (const PackagedPath& packaged : contents.value_or(std::vector<PackagedPath>())) try {
          any = p_.files.bring(packaged, real_.files(), one.label) || any;
        } catch (const Error&) {
          // An error that stops this identity's read does not stop the real package system.
        }
    }
    return any;
  }
  std::optional<FileView> view(const std::string& path, std::uint64_t limit) const override {
    auto found = read_file(path, [&] { return p_.files.view(base(), path, limit); });
    if (found) {
      found->status.owner = p_.accounts.left_owner(found->status.owner);
      found->status.group = p_.accounts.left_group(found->status.group);
    }
    return found;
  }
  std::optional<std::vector<std::string>> list(const std::string& path) const override {
    return read_file(path, [&] { return p_.files.list(base(), path); });
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    return read_file(path, [&] { return p_.files.resolve(base(), path); });
  }
  std::optional<std::string> sha256(const std::string& path) const override {
    return read_file(path, [&] { return p_.files.sha256(base(), path); });
  }
  std::optional<Grants> grants(const std::string& path) const override {
    p_.need_foresight();
    return p_.files.grants(base(), path);
  }
  std::optional<UserAccount> user(const std::string& name) const override {
    p_.need_foresight();
    auto found = p_.accounts.user(name);
    const bool absent = !found && !p_.accounts.touched_user(name);
    return p_.with_doubt(std::move(found), absent);
  }
  std::optional<GroupAccount> group(const std::string& name) const override {
    p_.need_foresight();
    auto found = p_.accounts.group(name);
    const bool absent = !found && !p_.accounts.touched_group(name);
    return p_.with_doubt(std::move(found), absent);
  }
  std::optional<UserAccount> user_by_uid(std::uint32_t uid) const override {
    p_.need_foresight();
    return p_.accounts.user_by_uid(uid);
  }
  std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const override {
    p_.need_foresight();
    return p_.accounts.group_by_gid(gid);
  }
  std::optional<InstalledPackage> installed(const std::string& name) const override {
    p_.need_foresight();
    auto found = p_.packages.installed(name);
    if (!found) p_.doubt(p_.unforeseen);
    return found;
  }
  bool interrupted() const override {
    p_.need_foresight();
    return p_.packages.interrupted();
  }
  std::optional<std::uint64_t> index_age() const override { return p_.packages.index_age(); }
  std::optional<std::string> candidate(const std::string& name) const override {
    return p_.packages.candidate(name);
  }
  Forecast forecast_install(const std::vector<std::string>& wanted) const override {
    return p_.packages.forecast_install(wanted);
  }
  Forecast forecast_removal(const std::vector<std::string>& names) const override {
    return p_.packages.forecast_removal(names);
  }
  std::vector<std::string> similar(const std::string& name) const override { return p_.packages.similar(name); }
  PurgeLoss purge_loss(const std::string& name) const override { return p_.packages.purge_loss(name); }
  Unit unit(const std::string& name) const override {
    p_.need_foresight();
    Unit found = p_.services.unit(name);
    const bool touched = std::find(p_.units.begin(), p_.units.end(), name) != p_.units.end();
    if (!touched && !found.exists())
      p_.await(p_.installing);
    else if (!touched && !found.active())
      p_.doubt(p_.installing);
    found.may_come = !found.exists() && !p_.installing.empty();
    return found;
  }
  bool index_outdated() const override { return p_.packages.index_outdated(); }
  std::optional<std::vector<PackagedPath>> contents(const std::string& name,
                                                    const std::string& version) const override {
    return p_.packages.contents(name, version);
  }
  std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const override {
    return p_.packages.unneeded_without(names);
  }
  std::string log_since(const std::string& name, std::uint64_t since_us) const override {
    return p_.services.log_since(name, since_us);
  }
  // A program that is queried could see anything pending, unless its resource declares what it depends on. The
  // user that it runs as, and the program, must exist.
  CommandResult run(const Command& command) const override {
    const Labels& pending = p_.depended_on ? *p_.depended_on : p_.all;
    if (!pending.empty()) throw Unknown{pending, ""};
    if (!p_.all.empty() &&
        (p_.accounts.touched_user(user_) || real_.commands().cannot_start(with_path(command))))
      throw Unknown{p_.all, ""};
    return real_.commands().run(with_path(command));
  }
  // A pending program or package may create it; so may a simulated file.
  std::optional<Error> cannot_start(const Command& command) const override {
    if (!p_.running.empty() || !p_.installing.empty()) return std::nullopt;
    const Command prepared = with_path(command);
    auto error = real_.commands().cannot_start(prepared);
    if (!error) return std::nullopt;
    for (const std::string& place : real_.commands().places(prepared)) try {
        if (p_.files.view(real_.files(), p_.files.resolve(real_.files(), place).value_or(place), 0))
          return std::nullopt;
      } catch (const Error&) {
        return std::nullopt;  // cannot be known
      } catch (const Unknown&) {
        return std::nullopt;
      }
    return error;
  }
  std::vector<std::string> places(const Command& command) const override {
    return real_.commands().places(with_path(command));
  }
  std::string published_sha256(const std::string& url, const std::string& file_name,
                               std::uint64_t timeout_ms) const override {
    return real_.downloads().published_sha256(url, file_name, timeout_ms);
  }
  std::optional<std::string> proved(const std::string& path, const std::string& url,
                                    const std::string& sha256_url) const override {
    if (p_.files.touched(base(), path)) return std::nullopt;
    return real_.downloads().proved(path, url, sha256_url);
  }
  bool unchanged(const std::string& path, const std::string& url, std::uint64_t timeout_ms) const override {
    if (const auto pending = p_.downloaded.find(path); pending != p_.downloaded.end())
      return pending->second == url;
    if (p_.files.touched(base(), path)) return false;
    return real_.downloads().unchanged(path, url, timeout_ms);
  }
  std::optional<std::string> mirrored(const std::string& url) const override {
    return real_.downloads().mirrored(url);
  }
  std::optional<TunnelView> tunnel(const std::string& name) const override {
    p_.need_foresight();
    return p_.tunnels.tunnel(name);
  }
  // A unit whose stop is simulated may release its port.
  std::optional<std::string> listener(const Endpoint& place) const override {
    p_.need_foresight();
    auto found = p_.tunnels.listener(place);
    if (found && !p_.units.empty()) throw Unknown{p_.all, ""};
    return found;
  }
  std::optional<Listener> listener_at(const std::string& address, std::uint16_t port) const override {
    p_.need_foresight();
    return p_.network.listener(real_.network(), address, port);
  }
  std::optional<int> http_status(const HttpGet& get) const override {
    p_.need_foresight();
    return real_.network().http_status(get);
  }

  Command with_path(Command command) const {
    if (const auto own = p_.path.find(user_); own != p_.path.end())
      command.path.insert(command.path.begin(), own->second.begin(), own->second.end());
    return command;
  }

  // ---- simulating actions ----
  template <class A>
  static const std::string& path_of(const A& a) {
    if constexpr (requires { a.path; })
      return a.path;
    else if constexpr (requires { a.to; })
      return a.to;
    else
      return a.saved.path;
  }
  template <class A>
  void on_files(const A& a) {
    // Files of a package exist before this action.
    if (!p_.bringing.empty() && belongs_to_packages(path_of(a))) put_packaged_files();
    if (is_list_of_sources(path_of(a))) p_.packages.sources_changed();
    if constexpr (requires {
                    a.owner;
                    a.group;
                  }) {
      std::string owner = user_name(a.owner), group = group_name(a.group);
      if (owner != a.owner || group != a.group) {
        A named = a;
        named.owner = std::move(owner);
        named.group = std::move(group);
        return p_.files.apply(named, base(), maker());
      }
    }
    p_.files.apply(a, base(), maker());
  }
  // Readers report owners by name, even if an action names them by number.
  std::string user_name(const std::string& owner) const {
    if (!is_number(owner) || p_.accounts.user(owner)) return owner;
    const auto account =
        p_.accounts.user_by_uid(static_cast<std::uint32_t>(std::strtoul(owner.c_str(), nullptr, 10)));
    return account ? account->name : owner;
  }
  std::string group_name(const std::string& group) const {
    if (!is_number(group) || p_.accounts.group(group)) return group;
    const auto account =
        p_.accounts.group_by_gid(static_cast<std::uint32_t>(std::strtoul(group.c_str(), nullptr, 10)));
    return account ? account->name : group;
  }
  OverlayFiles::Base base() const { return {real_.files(), user_ == "root", p_.person}; }
  OverlayFiles::Maker maker() const {
    const auto account = p_.accounts.user(user_);
    return {user_,
            account ? account->group : user_,
            p_.label,
            user_ != "root",
            account ? account->groups : Labels(),
            [this](const std::string& owner, const std::string& group) { need_accounts(owner, group); }};
  }
  // As the real machine reports it; but packages installed by then may create accounts.
  void need_accounts(const std::string& owner, const std::string& group) const {
    const bool has_owner = owner.empty() || is_number(owner) || p_.accounts.user(owner);
    const bool has_group = group.empty() || is_number(group) || p_.accounts.group(group);
    if ((has_owner && has_group) || !p_.installing.empty()) return;
    if (!has_owner) throw Error("user `" + owner + "` does not exist", ErrorKind::unavailable);
    throw Error("group `" + group + "` does not exist", ErrorKind::unavailable);
  }
  void apply(const WriteFile& a) { on_files(a); }
  void apply(const CreateSecret& a) { on_files(a); }
  void apply(const CreateDirectory& a) { on_files(a); }
  void apply(const CreateLink& a) { on_files(a); }
  void apply(const SetAttributes& a) { on_files(a); }
  void apply(const RemovePath& a) { on_files(a); }
  void apply(const RenamePath& a) { on_files(a); }
  void apply(const RestorePath& a) { on_files(a); }
  void apply(const Download& a) {
    on_files(a);
    p_.downloaded[a.path] = a.url;
  }
  void apply(const CreateGroup& a) { p_.accounts.apply(a); }
  void apply(const ChangeGroup& a) { p_.accounts.apply(a); }
  void apply(const RemoveGroup& a) { p_.accounts.apply(a); }
  void apply(const CreateUser& a) { p_.accounts.apply(a); }
  void apply(const ChangeUser& a) { p_.accounts.apply(a); }
  void apply(const RemoveUser& a) { p_.accounts.apply(a); }
  void apply(const ChangeMembership& a) { p_.accounts.apply(a); }
  void apply(const InstallPackages& a) {
    p_.packages.apply(a);
    if (a.wanted.empty()) return;  // only sets marks
    add(p_.installing, p_.label);
    for (const PackageChange& change : a.expected)
      if (!change.version_after.empty()) p_.bringing.push_back({change.name, change.version_after, p_.label});
    const bool known = std::none_of(a.expected.begin(), a.expected.end(),
                                    [](const PackageChange& c) { return c.version_after.empty(); });
    if (!known || a.expected.empty()) add(p_.unforeseen, p_.label);
  }
  void apply(const RemovePackages& a) { p_.packages.apply(a); }
  void apply(const RepairPackages& a) {
    p_.packages.apply(a);
    add(p_.installing, p_.label);
  }
  void apply(const ChangeUnit& a) {
    p_.services.apply(a);
    p_.network.apply(a);
    add(p_.units, a.unit);
  }
  void apply(const RunCommand& a) {
    for (const std::string& path : a.creates) p_.files.assume_made(path, base(), maker());
    if (!a.bounded) add(p_.running, p_.label);
  }
  void apply(const StartTunnel& a) { p_.tunnels.apply(a); }
  void apply(const StopTunnel& a) { p_.tunnels.apply(a); }

  Pending& p_;
  Machine& real_;
  std::string user_;
};

class OverlayHost : public Host {
 public:
  OverlayHost(Host& real, const Identity& caller, const std::string& person)
      : real_(real), pending_(real.as(caller), real.as({"root"})) {
    pending_.person = person;
  }
  Machine& as(const Identity& identity) override {
    auto& machine = machines_[identity];
    if (machine) return *machine;
    const bool touched = pending_.accounts.touched_user(identity.user);
    const bool is_there = pending_.accounts.user(identity.user).has_value();
    if (!is_there && !touched) {
      // A package's scripts, or a program, may create the user.
      pending_.need_foresight();
      if (!pending_.installing.empty()) throw Unknown{pending_.installing, ""};
    }
    machine = std::make_unique<OverlayMachine>(pending_, base(identity, is_there && touched), identity.user);
    return *machine;
  }
  void require_right(const Identity& identity) const override { real_.require_right(identity); }
  void begin(const std::string& label) override {
    pending_.label = label;
    pending_.depended_on.reset();
    pending_.doubts.clear();
    pending_.awaited.clear();
  }
  std::vector<std::string> awaited() const override { return pending_.awaited; }
  std::vector<std::string> doubts() const override { return pending_.doubts; }
  const PriorRunState& earlier() const override { return real_.earlier(); }
  void depends_only_on(Labels labels) override { pending_.depended_on = std::move(labels); }
  void unforeseen() override { add(pending_.running, pending_.label); }
  // Not applied to the real host: there the folders count only from their own place in the run on.
  void add_to_path(const Identity& identity, const std::vector<std::string>& folders) override {
    Labels& path = pending_.path[identity.user];
    for (const std::string& folder : folders)
      if (std::find(path.begin(), path.end(), folder) == path.end()) path.insert(path.begin(), folder);
  }

 private:
  // A simulated user owns nothing yet: read as root.
  Machine& base(const Identity& identity, bool made_in_thought) {
    try {
      return real_.as(identity);
    } catch (const Error& e) {
      if (!made_in_thought || e.kind() != ErrorKind::unavailable) throw;
      return real_.as({"root"});
    }
  }
  Host& real_;
  Pending pending_;
  std::map<Identity, std::unique_ptr<OverlayMachine>> machines_;
};

}  // namespace

bool are_foreseen(std::span<const Action> actions) {
  return std::all_of(actions.begin(), actions.end(), [](const Action& action) {
    return std::visit(
        overloaded{[](const WriteFile&) { return true; }, [](const CreateSecret&) { return true; },
                   [](const CreateDirectory&) { return true; }, [](const CreateLink&) { return true; },
                   [](const SetAttributes&) { return true; }, [](const RemovePath&) { return true; },
                   [](const RenamePath&) { return true; }, [](const Download&) { return true; },
                   [](const CreateGroup&) { return true; }, [](const ChangeGroup&) { return true; },
                   [](const RemoveGroup&) { return true; }, [](const CreateUser&) { return true; },
                   [](const ChangeUser&) { return true; }, [](const RemoveUser&) { return true; },
                   [](const ChangeMembership&) { return true; }, [](const auto&) { return false; }},
        action);
  });
}

std::unique_ptr<Host> make_overlay_host(Host& real, const Identity& caller, const std::string& person) {
  return std::make_unique<OverlayHost>(real, caller, person);
}

}  // namespace mlops
