#include "domains/packages/local.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "domains/packages/apt_output.hpp"
#include "domains/packages/archive.hpp"
#include "domains/packages/unknown_package.hpp"

namespace mlops {
namespace {

// Of a file or folder; absent if it does not exist.
std::optional<timespec> mtime(const std::string& path) {
  struct stat s;
  if (::stat(path.c_str(), &s) != 0) return {};
  return s.st_mtim;
}

bool same_time(const std::optional<timespec>& a, const std::optional<timespec>& b) {
  return a.has_value() == b.has_value() && (!a || (a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec));
}

// When the newest part of the index was fetched; absent if there is none. The files' mtime is the server's.
std::optional<std::time_t> newest_index(const std::string& lists) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(lists.c_str()), &::closedir);
  std::optional<std::time_t> newest;
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    struct stat s;
    if (name.find("_Packages") == name.npos && !name.ends_with("Release")) continue;
    if (::fstatat(::dirfd(dir.get()), entry->d_name, &s, 0) == 0)
      newest = std::max(newest.value_or(0), s.st_ctim.tv_sec);
  }
  return newest;
}

// The stamp that Ubuntu's own configuration writes after an update; apt itself changes no file if there is
// nothing new.
void leave_stamp(const std::string& apt_dir) {
  const std::string path = apt_dir + "/periodic/update-success-stamp";
  const Handle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file) ::futimens(file.get(), nullptr);
}

// Before dpkg begins, apt's records of the transaction (its log, the automatic marks) are synced, and unpacked
// files before they are configured: neither program syncs all of it, and after a power cut nothing would be
// left to resume from.
std::vector<std::string> apt_change(const std::string& verb, std::uint64_t lock_timeout) {
  return {"apt-get",
          "-y",
          "-q",
          "-o",
          fmt::format("DPkg::Lock::Timeout={}", lock_timeout),
          "-o",
          fmt::format("APT::Status-Fd={}", Apt::status_fd),
          "-o",
          "Dpkg::Use-Pty=0",
          "-o",
          "Dpkg::Options::=--force-confdef",
          "-o",
          "Dpkg::Options::=--force-confold",
          "-o",
          "Dpkg::Options::=--pre-invoke=sync || :",
          "-o",
          "APT::Cmd::Pattern-Only=true",
          verb};
}

void append(std::vector<std::string>& argv, const std::vector<std::string>& more) {
  argv.insert(argv.end(), more.begin(), more.end());
}

std::vector<std::string> joined(std::vector<std::string> words, const std::vector<std::string>& more) {
  append(words, more);
  return words;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

// In apt's format.
std::string full_name(const DpkgEntry& e) {
  return e.architecture == "all" ? e.name : e.name + ":" + e.architecture;
}

// A later run trusts dpkg's status, but dpkg syncs neither configuration files nor what scripts write.
void keep() { ::sync(); }

// An explicitly requested version may be older than the installed one.
bool asks_for_version(const std::vector<std::string>& wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [](const auto& w) { return w.find('=') != w.npos; });
}

std::string brief_list(const std::vector<std::string>& names) {
  if (names.size() <= 3) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{}, {} and {} more", names[0], names[1], names.size() - 2);
}

}  // namespace

LocalPackages::LocalPackages(const ActingUser& who, const Cancellation& cancellation, ProgressSink progress,
                             std::string dpkg_dir, std::string apt_dir, std::string sources_dir,
                             std::string archives_dir)
    : apt_(who, cancellation, std::move(progress)),
      dpkg_dir_(std::move(dpkg_dir)),
      apt_dir_(std::move(apt_dir)),
      sources_dir_(std::move(sources_dir)),
      archives_dir_(std::move(archives_dir)),
      dpkg_(dpkg_dir_) {}

std::optional<InstalledPackage> LocalPackages::installed(const std::string& name) const {
  auto found = dpkg_.installed(name);
  if (!found) return found;
  const std::string path = apt_dir_ + "/extended_states";
  if (const auto now = mtime(path); !same_time(now, marks_read_)) {
    std::ifstream file(path);
    marks_ = parse_automatic(std::string(std::istreambuf_iterator<char>(file), {}));
    marks_read_ = now;
  }
  const std::string& architecture =
      found->architecture == "all" ? dpkg_.native_architecture() : found->architecture;
  found->automatic = marks_.contains(found->name + ":" + architecture);
  return found;
}

bool LocalPackages::interrupted() const { return dpkg_.interrupted(); }

// When the index was last fetched; absent if there is none.
std::optional<std::time_t> LocalPackages::index_fetched() const {
  const std::string lists = apt_dir_ + "/lists";
  const auto newest = newest_index(lists);
  const auto changed = mtime(lists);
  if (!newest || !changed) return {};
  // Both are upper bounds: a copied image has new files, and apt creates folders there when it installs.
  const auto stamped = mtime(apt_dir_ + "/periodic/update-success-stamp");
  return std::max(std::min(*newest, changed->tv_sec), stamped ? stamped->tv_sec : 0);
}

std::optional<std::uint64_t> LocalPackages::index_age() const {
  const auto fetched = index_fetched();
  if (!fetched) return {};
  return static_cast<std::uint64_t>(std::max<std::time_t>(0, ::time(nullptr) - *fetched));
}

// sources.list(5). The folder's own time reveals a list that arrived with an old time, or was removed.
bool LocalPackages::index_outdated() const {
  const std::string folder = sources_dir_ + "/sources.list.d";
  std::time_t newest = 0;
  const auto look = [&](const std::string& path) {
    if (const auto written = mtime(path)) newest = std::max(newest, written->tv_sec);
  };
  look(sources_dir_ + "/sources.list");
  look(folder);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), &::closedir);
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(".list") || name.ends_with(".sources")) look(folder + "/" + entry->d_name);
  }
  // A time in the future is ignored: the clock was set back.
  const auto fetched = index_fetched();
  return newest != 0 && newest <= ::time(nullptr) && (!fetched || newest > *fetched);
}

std::optional<std::vector<PackagedPath>> LocalPackages::contents(const std::string& name,
                                                                 const std::string& version) const {
  const std::string archive = find_archive(archives_dir_, name, version);
  if (archive.empty()) return {};
  const CommandResult result = apt_.run({"dpkg-deb", "--contents", archive});
  if (result.status != 0) return {};
  return parse_contents(result.output);
}

std::vector<std::string> LocalPackages::unneeded_without(const std::vector<std::string>& names) const {
  const auto removed = [](const Forecast& forecast) {
    std::set<std::string> gone;
    for (const PackageChange& change : forecast.changes)
      if (change.version_after.empty()) gone.insert(change.name);
    return gone;
  };
  const std::set<std::string> with = removed(simulate("autoremove", names)),
                              without = removed(simulate("remove", names)),
                              already = removed(simulate("autoremove", {}));
  std::vector<std::string> unneeded;
  for (const std::string& name : with)
    if (!without.contains(name) && !already.contains(name)) unneeded.push_back(name);
  return unneeded;
}

std::optional<std::string> LocalPackages::candidate(const std::string& name) const {
  const CommandResult result = apt_.read({"apt-cache", "policy", name});
  const auto candidates = parse_policy(result.output);
  for (const std::string& key : {name, name.substr(0, name.find(':'))})
    if (const auto found = candidates.find(key); found != candidates.end()) return found->second;
  return {};
}

std::string LocalPackages::stamp() const {
  const auto lists = mtime(apt_dir_ + "/lists");
  return fmt::format("{} {} {}", dpkg_.stamp(), lists ? lists->tv_sec : 0, lists ? lists->tv_nsec : 0);
}

Forecast LocalPackages::simulate(const std::string& verb, std::vector<std::string> names) const {
  std::vector<std::string> key = names;
  key.insert(key.begin(), verb);
  if (const std::string now = stamp(); now != forecasts_stamp_) {
    forecasts_.clear();
    forecasts_stamp_ = now;
  }
  if (const auto known = forecasts_.find(key); known != forecasts_.end()) return known->second;

  Forecast forecast;
  const std::vector<std::string> wanted = names;
  while (!names.empty() || wanted.empty()) {
    std::vector<std::string> argv = {"apt-get", "-s", "-qq", "-y", verb};
    if (asks_for_version(names)) argv.push_back("--allow-downgrades");
    append(argv, names);
    const CommandResult result = apt_.read(argv);
    if (result.status == 0) {
      forecast.changes = parse_simulation(result.output, wanted);
      break;
    }
    const auto unknown = parse_unknown(result.output, names);
    if (unknown.empty()) {
      const std::string cause = error_lines(result.output);
      throw Error(cause.empty() ? fmt::format("apt-get ended with status {}", result.status) : cause)
          .with_output(without_status_lines(result.output))
          .while_doing(fmt::format("asking apt to {} {}", verb, brief_list(names)));
    }
    for (const std::string& name : unknown) std::erase(names, name);
    append(forecast.unknown, unknown);
  }
  if (verb == "install" && !forecast.changes.empty()) {
    std::vector<std::string> argv = {"apt-get", "--print-uris", "-qq", "-y", verb};
    if (asks_for_version(names)) argv.push_back("--allow-downgrades");
    append(argv, names);
    const CommandResult result = apt_.read(argv);
    if (result.status == 0) forecast.download_bytes = parse_uris(result.output);
  } else if (names.size() == wanted.size()) {
    forecast.download_bytes = 0;
  }
  forecasts_[key] = forecast;
  return forecast;
}

Forecast LocalPackages::forecast_install(const std::vector<std::string>& wanted) const {
  return simulate("install", wanted);
}

Forecast LocalPackages::forecast_removal(const std::vector<std::string>& names) const {
  return simulate("remove", names);
}

std::vector<std::string> LocalPackages::similar(const std::string& name) const {
  std::vector<std::string> known;
  apt_.read({"apt-cache", "pkgnames"}, [&](std::string_view line) { known.emplace_back(line); });
  return nearest_names(name.substr(0, name.find(':')), known);
}

void LocalPackages::wait(std::uint64_t lock_timeout) const {
  wait_for_locks(locks(), lock_timeout, apt_.cancellation(), apt_.progress());
}

// apt treats an index that could not be fetched as success, and versions before 2.1.4 do not support
// Error-Mode.
void LocalPackages::refresh_index(std::uint64_t lock_timeout) {
  wait(lock_timeout);
  auto argv = apt_change("update", lock_timeout);
  append(argv, {"-o", "APT::Update::Error-Mode=any"});
  const std::string doing = "fetching the package index";
  std::string output;
  try {
    output = apt_.change(doing, argv, true);
  } catch (const Error& error) {
    const std::string failure = parse_fetch_failure(error.output());
    if (failure.empty() || error.kind() == ErrorKind::cancelled) throw;
    throw Error(failure).with_output(error.output()).while_doing(doing);
  }
  forecasts_.clear();
  if (const std::string failure = parse_fetch_failure(output); !failure.empty())
    throw Error(failure).with_output(output).while_doing(doing);
  leave_stamp(apt_dir_);
}

void LocalPackages::perform(const RefreshIndex& action) { refresh_index(action.lock_timeout); }

void LocalPackages::check_installed(const std::vector<std::string>& wanted) const {
  for (const std::string& text : wanted) {
    const WantedPackage package = parse_wanted(text);
    const auto found = dpkg_.installed(package.name);
    if (!found || found->state != PackageState::installed)
      throw Error(fmt::format("apt ended well, but package `{}` is not installed", package.name));
    if (!package.version.empty() && found->version != package.version)
      throw Error(fmt::format("apt ended well, but package `{}` has version {}, not {}", package.name,
                              found->version, package.version));
  }
}

void LocalPackages::mark(const std::vector<std::string>& names, const char* as,
                         const std::string& doing) const {
  if (!names.empty()) apt_.change(doing, joined({"apt-mark", as}, names), false);
}

void LocalPackages::perform(const InstallPackages& action) {
  wait(action.lock_timeout);
  if (action.wanted.empty()) {
    mark(action.automatic, "auto", "marking packages as not asked for");
    mark(action.manual, "manual", "marking packages as asked for");
    return keep();
  }
  if (action.refresh_index) refresh_index(action.lock_timeout);
  const Forecast forecast = forecast_install(action.wanted);
  if (!forecast.unknown.empty()) throw Error(why_unknown(*this, forecast.unknown.front()));

  auto argv = apt_change("install", action.lock_timeout);
  if (asks_for_version(action.wanted)) argv.push_back("--allow-downgrades");
  append(argv, action.wanted);
  auto download = argv;
  download.push_back("--download-only");
  const std::string names = brief_list(action.wanted);
  wait(action.lock_timeout);
  apt_.change("downloading " + names, download, true, forecast.download_bytes.value_or(0));
  wait(action.lock_timeout);
  apt_.change("installing " + names, argv, false);
  check_installed(action.wanted);
  mark(action.automatic, "auto", "installing " + names);
  mark(action.manual, "manual", "installing " + names);
  keep();
}

// apt refuses to start while dpkg's journal exists; a package that cannot be configured can still be removed.
void LocalPackages::configure_pending(const std::string& doing) const {
  try {
    apt_.change(doing, {"dpkg", "--force-confdef", "--force-confold", "--configure", "-a"}, false);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
}

// The snippets that debhelper(7) adds to every such script only affect the package's own files, and are
// ignored.
PurgeLoss LocalPackages::purge_loss(const std::string& name) const {
  PurgeLoss loss;
  const auto found = dpkg_.installed(name);
  std::ifstream file(dpkg_dir_ + "/info/" + name + ".postrm");
  if (!file.is_open() && found) file.open(dpkg_dir_ + "/info/" + name + ":" + found->architecture + ".postrm");
  bool generated = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("# Automatically added by dh")) generated = true;
    const auto code = line.find_first_not_of(" \t");
    if (!generated && code != line.npos && line[code] != '#' && line.find("purge", code) != line.npos)
      loss.script = true;
    if (line.starts_with("# End automatically added section")) generated = false;
  }
  // "??5??????  c /etc/motd"
  const CommandResult verified = apt_.read({"dpkg", "--verify", "--verify-format", "rpm", name});
  std::istringstream lines(verified.output);
  for (std::string line; std::getline(lines, line);)
    if (const auto path = line.find(" c /"); path != line.npos && !line.starts_with("missing"))
      loss.changed.push_back(line.substr(path + 3));
  return loss;
}

void LocalPackages::perform(const RemovePackages& action) {
  wait(action.lock_timeout);
  if (interrupted()) configure_pending("ending an interrupted installation");
  auto argv = apt_change("remove", action.lock_timeout);
  append(argv, action.names);
  apt_.change("removing " + brief_list(action.names), argv, false);
  if (!action.purged.empty()) {
    wait(action.lock_timeout);
    apt_.change("removing configuration files", joined({"dpkg", "--purge"}, action.purged), false);
  }
  keep();
}

// The packages of the interrupted transaction that are still missing. apt would not install them again: it only
// adds recommendations to what it installs, and it records automatic marks at the end.
void LocalPackages::complete(const UnfinishedInstall& unfinished, const std::string& doing,
                             std::uint64_t lock_timeout) const {
  std::vector<std::string> missing;
  for (const std::string& name : unfinished.packages)
    if (const auto found = dpkg_.installed(name); !found || found->state != PackageState::installed)
      missing.push_back(name);
  if (!missing.empty()) {
    auto argv = apt_change("install", lock_timeout);
    append(argv, missing);
    apt_.change(doing, argv, false);
  }
  if (unfinished.automatic.empty()) return;
  std::vector<std::string> argv = {"apt-mark", "auto"};
  append(argv, unfinished.automatic);
  apt_.change(doing, argv, false);
}

// apt repairs a failed upgrade, but not a failed first unpacking. Other unconfigured packages are left to the
// later repair step.
void LocalPackages::unpack_again(std::vector<std::string> doubtful, const std::string& doing,
                                 std::uint64_t lock_timeout) const {
  const bool power_lost = !doubtful.empty();
  for (const DpkgEntry& e : dpkg_.entries())
    if (const std::string name = full_name(e);
        e.unpack_again && std::find(doubtful.begin(), doubtful.end(), name) == doubtful.end())
      doubtful.push_back(name);
  if (doubtful.empty()) return;
  // apt treats packages named on its command line as manually installed.
  const std::vector<std::string> automatic =
      words_of(apt_.read(joined({"apt-mark", "showauto"}, doubtful)).output);
  auto argv = apt_change("install", lock_timeout);
  append(argv, {"--fix-broken", "--reinstall"});
  // Without a power cut, a missing configuration file was removed by a person.
  if (power_lost) append(argv, {"-o", "Dpkg::Options::=--force-confmiss"});
  append(argv, doubtful);
  try {
    apt_.change(doing, argv, false);
    if (!automatic.empty()) apt_.change(doing, joined({"apt-mark", "auto"}, automatic), false);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
}

// What dpkg unpacked since then, by the time of its file list.
std::vector<std::string> LocalPackages::unpacked_since(std::int64_t microseconds) const {
  constexpr std::int64_t second = 1'000'000;  // file systems may round to that
  std::vector<std::string> names;
  for (const DpkgEntry& e : dpkg_.entries()) {
    if (e.state != PackageState::installed && e.state != PackageState::interrupted) continue;
    struct stat status {};
    const std::string info = dpkg_dir_ + "/info/" + e.name;
    if (::stat((info + ".list").c_str(), &status) != 0 &&
        ::stat((info + ":" + e.architecture + ".list").c_str(), &status) != 0)
      continue;
    if (status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec / 1000 + second >= microseconds)
      names.push_back(full_name(e));
  }
  return names;
}

// Configuration files of these packages that are empty and were not when dpkg installed them. dpkg would treat
// that as the person's intent.
void LocalPackages::remove_lost_configuration(const std::vector<std::string>& packages) const {
  constexpr std::string_view of_nothing = "d41d8cd98f00b204e9800998ecf8427e";  // the MD5 sum recorded by dpkg
  const auto listed =
      apt_.read(joined({"dpkg-query", "--show", "--showformat=${Conffiles}\n"}, packages)).output;
  std::istringstream lines(listed);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string path, sum;
    struct stat status {};
    if (words >> path >> sum && path.starts_with("/") && sum != of_nothing &&
        ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0)
      ::unlink(path.c_str());
  }
}

// dpkg fails if a dependency is not unpacked yet; then apt knows what is missing, and only its result counts.
void LocalPackages::perform(const RepairPackages& action) {
  wait(action.lock_timeout);
  const UnfinishedInstall unfinished = read_unfinished(history_);
  const std::string doing = "ending an interrupted installation";
  std::vector<std::string> doubtful;
  if (action.power_lost_since != 0) {
    doubtful = unpacked_since(action.power_lost_since);
    try {
      refresh_index(action.lock_timeout);  // it may be lost, too
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
    }
  }
  configure_pending(doing);
  if (!doubtful.empty()) remove_lost_configuration(doubtful);
  unpack_again(doubtful, doing, action.lock_timeout);
  auto argv = apt_change("install", action.lock_timeout);
  argv.push_back("--fix-broken");
  const std::string output = apt_.change(doing, argv, false);
  if (interrupted())
    throw Error("dpkg is still in the middle of an installation").with_output(output).while_doing(doing);
  complete(unfinished, doing, action.lock_timeout);
  keep();
}

}  // namespace mlops
