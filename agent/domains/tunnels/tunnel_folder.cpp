#include "domains/tunnels/tunnel_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "domains/accounts/acting_user.hpp"
#include "domains/tunnels/tunnel_text.hpp"

namespace mlops {
namespace {

using Json = nlohmann::json;

constexpr std::size_t largest_settings = 64 << 10;  // bytes; a tunnel's take some hundred
constexpr const char* suffixes[] = {".json", ".json.new", ".lock", ".control", ".log", ".log.1"};

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

void make_folders(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    // XDG Base Directory Specification: folders are created private.
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      throw system_error("cannot make the folder " + part, errno);
    if (at == std::string::npos) return;
  }
}

// The folder, opened; empty if there is none. Its content is trusted, so it must belong to the owner.
Handle open_folder(const std::string& path, uid_t owner) {
  Handle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder && errno == ENOENT) return folder;
  struct stat status {};
  if (!folder || ::fstat(folder.get(), &status) != 0)
    throw system_error("cannot open the folder " + path, errno);
  if (status.st_uid != owner)
    throw Error(fmt::format("the folder {} belongs to another user (uid {})", path, status.st_uid));
  return folder;
}

std::optional<std::string> read_small(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) throw system_error("cannot read " + path, errno);
  if (!S_ISREG(status.st_mode)) return "";
  std::string text(largest_settings, '\0');
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  if (n < 0) throw system_error("cannot read " + path, errno);
  text.resize(static_cast<std::size_t>(n));
  return text;
}

Json endpoint_json(const Endpoint& e) { return e.to_text(); }
Endpoint endpoint_of(const Json& json) {
  const auto text = json.get<std::string>();
  if (text.empty()) return {};
  const auto found = parse_endpoint(text, "");
  const bool whole = found && !found->empty() && parse_endpoint(found->to_text(), "") == found;
  if (!whole) throw Error("no endpoint: " + text);
  return *found;
}

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

bool is_tunnel_name(std::string_view name) {
  const auto alone = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return !name.empty() && name.size() <= 64 && alone(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alone(c) || c == '.' || c == '_' || c == '-'; });
}

std::string tunnel_text(const Tunnel& t) {
  nlohmann::ordered_json json;
  json["name"] = t.name;
  json["direction"] = to_text(t.direction);
  json["via"] = t.via;
  json["listen"] = endpoint_json(t.listen);
  json["target"] = endpoint_json(t.target);
  json["at_login"] = t.at_login;
  json["ssh_config"] = t.ssh_config;
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::optional<Tunnel> parse_tunnel(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const auto direction = direction_of(json.at("direction").get<std::string>());
    Tunnel t{.name = json.at("name").get<std::string>(),
             .direction = direction.value(),
             .via = json.at("via").get<std::string>(),
             .listen = endpoint_of(json.at("listen")),
             .target = endpoint_of(json.at("target")),
             .at_login = json.at("at_login").get<bool>(),
             .ssh_config = json.at("ssh_config").get<std::string>()};
    if (!is_tunnel_name(t.name) || t.via.empty() || t.listen.empty()) return std::nullopt;
    if (t.target.empty() != (t.direction == Tunnel::Direction::dynamic)) return std::nullopt;
    return t;
  } catch (const std::exception&) {  // of the parser, a missing member, or another type
    return std::nullopt;
  }
}

TunnelFolder TunnelFolder::of(const ActingUser& who) { return {own_state_home(who) + "/tunnels", who.uid}; }

void TunnelFolder::prepare() const {
  make_folders(path_);
  const Handle folder = open_folder(path_, owner_);
  if (!folder || ::fchmod(folder.get(), 0700) != 0)
    throw system_error("cannot close " + path_ + " to others", errno);
}

std::vector<std::string> TunnelFolder::names() const {
  Handle opened = open_folder(path_, owner_);
  if (!opened) return {};
  const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(::fcntl(opened.get(), F_DUPFD_CLOEXEC, 3)));
  std::vector<std::string> names;
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
    std::string_view name = entry->d_name;
    if (!name.ends_with(".json")) continue;
    name.remove_suffix(5);
    if (is_tunnel_name(name)) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<Tunnel> TunnelFolder::settings(const std::string& name) const {
  if (!is_tunnel_name(name) || !open_folder(path_, owner_)) return std::nullopt;
  const auto text = read_small(file(name, ".json"));
  if (!text) return std::nullopt;
  auto tunnel = parse_tunnel(*text);
  return tunnel && tunnel->name == name ? tunnel : Tunnel{.name = name};
}

void TunnelFolder::write(const Tunnel& tunnel) const {
  const std::string text = tunnel_text(tunnel), path = file(tunnel.name, ".json"), fresh = path + ".new";
  ::unlink(fresh.c_str());
  {
    const Handle out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out) throw system_error("cannot write " + fresh, errno);
    const ssize_t n = ::write(out.get(), text.data(), text.size());
    if (n != static_cast<ssize_t>(text.size()) || ::fsync(out.get()) != 0) {
      const int error = n < 0 ? errno : ENOSPC;
      ::unlink(fresh.c_str());
      throw system_error("cannot write " + fresh, error);
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) throw system_error("cannot write " + path, errno);
  const Handle folder = open_folder(path_, owner_);
  if (folder) ::fsync(folder.get());
}

void TunnelFolder::remove(const std::string& name) const {
  for (const char* suffix : suffixes)
    if (::unlink(file(name, suffix).c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
      throw system_error("cannot remove " + file(name, suffix), errno);
}

std::optional<pid_t> TunnelFolder::keeper(const std::string& name) const {
  const Handle lock(::open(file(name, ".lock").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!lock) return std::nullopt;
  struct flock held = whole_file(F_WRLCK);
  if (::fcntl(lock.get(), F_GETLK, &held) != 0 || held.l_type == F_UNLCK) return std::nullopt;
  return held.l_pid;
}

Handle TunnelFolder::take_lock(const std::string& name) const {
  const std::string path = file(name, ".lock");
  for (;;) {
    Handle lock(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock) throw system_error("cannot open " + path, errno);
    struct flock wanted = whole_file(F_WRLCK);
    if (::fcntl(lock.get(), F_SETLK, &wanted) != 0) {
      if (errno == EACCES || errno == EAGAIN) return Handle();
      throw system_error("cannot lock " + path, errno);
    }
    // It may have been removed in between; then the lock is on a file that no other process will find.
    struct stat ours {
    }, there{};
    if (::fstat(lock.get(), &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
        ours.st_dev == there.st_dev)
      return lock;
  }
}

}  // namespace mlops
