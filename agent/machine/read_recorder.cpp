#include "machine/read_recorder.hpp"

#include <fmt/format.h>

#include "base/command_line.hpp"
#include "base/digest.hpp"

namespace mlops {
namespace {

const std::string absent = "absent";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string describe(const FileView& view) {
  const FileStatus& s = view.status;
  std::string text = fmt::format("{} {:04o} {} {}", to_text(s.type), s.mode, s.owner, s.group);
  if (s.type == FileType::symlink)
    return fmt::format("{} {} {} to {}", to_text(s.type), s.owner, s.group, view.target);
  return text;
}
std::string describe(const Grants& g) {
  return fmt::format("capabilities {} and list {}", g.capabilities, joined(g.acl));
}
std::string describe(const UserAccount& u) {
  return fmt::format("user {} {} `{}` {} {} in {}", u.uid ? std::to_string(*u.uid) : "", u.group, u.comment,
                     u.home, u.shell, joined(u.groups));
}
std::string describe(const GroupAccount& g) {
  return fmt::format("group {} of {}", g.gid ? std::to_string(*g.gid) : "", joined(g.members));
}
std::string describe(const InstalledPackage& p) {
  switch (p.state) {
    case PackageState::absent:
      return absent;
    case PackageState::config_files:
      return "removed but for its configuration";
    case PackageState::interrupted:
      return "interrupted at " + p.version;
    case PackageState::installed:
      break;
  }
  return p.version;
}
std::string describe(const Forecast& f) {
  std::string text;
  for (const PackageChange& c : f.changes)
    text += fmt::format("{} {} to {}, ", c.name, c.version_before, c.version_after);
  return text + "unknown: " + joined(f.unknown);
}
std::string describe(const Unit& u) {
  return fmt::format("{}, {}, {}", u.load_state, u.active_state, u.enabled_state);
}
std::string describe(const TunnelView& t) {
  return fmt::format("tunnel {} via {} to {}", t.settings.listen.to_text(), t.settings.via,
                     t.settings.target.to_text());
}

class ReadRecorder : public MachineReader,
                     FileReader,
                     AccountReader,
                     PackageReader,
                     ServiceReader,
                     CommandReader,
                     DownloadReader,
                     TunnelReader,
                     NetworkReader {
 public:
  ReadRecorder(const MachineReader& machine, Preconditions& ground) : machine_(machine), ground_(ground) {}

  const FileReader& files() const override { return *this; }
  const AccountReader& accounts() const override { return *this; }
  const PackageReader& packages() const override { return *this; }
  const ServiceReader& services() const override { return *this; }
  const CommandReader& commands() const override { return *this; }
  const DownloadReader& downloads() const override { return *this; }
  const TunnelReader& tunnels() const override { return *this; }
  const NetworkReader& network() const override { return *this; }

 private:
  void note(const std::string& what, std::string how) const { ground_[what] = std::move(how); }
  template <class T>
  T noted(const std::string& what, T found) const {
    note(what, found ? describe(*found) : absent);
    return found;
  }

  std::optional<FileView> view(const std::string& path, std::uint64_t limit) const override {
    auto found = noted(path, machine_.files().view(path, limit));
    if (found && found->content) note("content of " + path, sha256_hex(*found->content));
    return found;
  }
  std::optional<std::vector<std::string>> list(const std::string& path) const override {
    auto found = machine_.files().list(path);
    note("entries of " + path,
         found ? fmt::format("{} with digest {}", found->size(), sha256_hex(joined(*found))) : absent);
    return found;
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    auto found = machine_.files().resolve(path);
    if (found != path) note("way to " + path, found.value_or(absent));
    return found;
  }
  std::optional<std::string> sha256(const std::string& path) const override {
    auto found = machine_.files().sha256(path);
    note("content of " + path, found.value_or(absent));
    return found;
  }
  std::optional<Grants> grants(const std::string& path) const override {
    return noted("access to " + path, machine_.files().grants(path));
  }
  std::optional<UserAccount> user(const std::string& name) const override {
    return noted("user " + name, machine_.accounts().user(name));
  }
  std::optional<GroupAccount> group(const std::string& name) const override {
    return noted("group " + name, machine_.accounts().group(name));
  }
  std::optional<UserAccount> user_by_uid(std::uint32_t uid) const override {
    return noted(fmt::format("uid {}", uid), machine_.accounts().user_by_uid(uid));
  }
  std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const override {
    return noted(fmt::format("gid {}", gid), machine_.accounts().group_by_gid(gid));
  }
  std::optional<InstalledPackage> installed(const std::string& name) const override {
    return noted("package " + name, machine_.packages().installed(name));
  }
  bool interrupted() const override {
    const bool is = machine_.packages().interrupted();
    note("dpkg", is ? "interrupted" : "sound");
    return is;
  }
  std::optional<std::uint64_t> index_age() const override { return machine_.packages().index_age(); }
  std::optional<std::string> candidate(const std::string& name) const override {
    auto found = machine_.packages().candidate(name);
    note("candidate of package " + name, found.value_or(absent));
    return found;
  }
  Forecast forecast_install(const std::vector<std::string>& wanted) const override {
    Forecast found = machine_.packages().forecast_install(wanted);
    note("installing " + joined(wanted), describe(found));
    return found;
  }
  Forecast forecast_removal(const std::vector<std::string>& names) const override {
    Forecast found = machine_.packages().forecast_removal(names);
    note("removing " + joined(names), describe(found));
    return found;
  }
  std::vector<std::string> similar(const std::string& name) const override {
    return machine_.packages().similar(name);
  }
  PurgeLoss purge_loss(const std::string& name) const override { return machine_.packages().purge_loss(name); }
  bool index_outdated() const override { return machine_.packages().index_outdated(); }
  std::optional<std::vector<PackagedPath>> contents(const std::string& name,
                                                    const std::string& version) const override {
    return machine_.packages().contents(name, version);
  }
  std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const override {
    return machine_.packages().unneeded_without(names);
  }
  std::string log_since(const std::string& name, std::uint64_t since_us) const override {
    return machine_.services().log_since(name, since_us);
  }
  Unit unit(const std::string& name) const override {
    Unit found = machine_.services().unit(name);
    note("service " + name, describe(found));
    return found;
  }
  CommandResult run(const Command& command) const override {
    CommandResult result = machine_.commands().run(command);
    note(fmt::format("status of `{}`", short_command_line(command.argv)), std::to_string(result.status));
    return result;
  }
  std::optional<Error> cannot_start(const Command& command) const override {
    return machine_.commands().cannot_start(command);
  }
  std::vector<std::string> places(const Command& command) const override {
    return machine_.commands().places(command);
  }
  std::string published_sha256(const std::string& url, const std::string& file,
                               std::uint64_t timeout_ms) const override {
    std::string found = machine_.downloads().published_sha256(url, file, timeout_ms);
    note(fmt::format("digest of {} at {}", file, url), found);
    return found;
  }
  std::optional<std::string> proved(const std::string& path, const std::string& url,
                                    const std::string& sums) const override {
    return machine_.downloads().proved(path, url, sums);
  }
  bool unchanged(const std::string& path, const std::string& url, std::uint64_t timeout_ms) const override {
    return machine_.downloads().unchanged(path, url, timeout_ms);
  }
  std::optional<std::string> mirrored(const std::string& url) const override {
    return machine_.downloads().mirrored(url);
  }
  std::optional<TunnelView> tunnel(const std::string& name) const override {
    return noted("tunnel " + name, machine_.tunnels().tunnel(name));
  }
  std::optional<std::string> listener(const Endpoint& place) const override {
    auto found = machine_.tunnels().listener(place);
    note("who listens at " + place.to_text(), found ? "somebody" : "nobody");
    return found;
  }
  std::optional<Listener> listener_at(const std::string& address, std::uint16_t port) const override {
    auto found = machine_.network().listener_at(address, port);
    note(fmt::format("who listens at {}:{}", address, port), found ? "somebody" : "nobody");
    return found;
  }
  std::optional<int> http_status(const HttpGet& get) const override {
    auto found = machine_.network().http_status(get);
    note(fmt::format("answer at {}:{}", get.address, get.port), found ? std::to_string(*found) : "none");
    return found;
  }

  const MachineReader& machine_;
  Preconditions& ground_;
};

}  // namespace

std::unique_ptr<MachineReader> make_read_recorder(const MachineReader& machine, Preconditions& ground) {
  return std::make_unique<ReadRecorder>(machine, ground);
}

}  // namespace mlops
