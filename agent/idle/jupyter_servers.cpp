#include "idle/jupyter_servers.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "idle/loopback_http.hpp"
#include "model/document.hpp"

namespace mlops {
namespace {

constexpr std::size_t largest_file = 64 * 1024;
constexpr std::size_t most_files = 1000;  // in one folder

struct CloseRuntime {
  void operator()(DIR* d) const { ::closedir(d); }
};

// The folder of runtime files below a home; a link on the way is an error, as it may lead to another user's.
// Not by openat2(2), which systemd's RestrictSUIDSGID forbids. Invalid if there is none.
Handle open_runtime_folder(const std::string& home) {
  Handle folder(::open(home.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder && errno != ENOENT && errno != ENOTDIR) throw system_error("opening " + home, errno);
  for (const char* part : {".local", "share", "jupyter", "runtime"}) {
    if (!folder) return folder;
    Handle next(::openat(folder.get(), part, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next && errno != ENOENT) throw system_error(fmt::format("opening {} in {}", part, home), errno);
    struct stat status {};
    if (next && ::fstat(next.get(), &status) != 0) throw system_error("looking at " + home, errno);
    if (next && S_ISLNK(status.st_mode)) throw Error(fmt::format("{} in {} is a link", part, home));
    if (next && !S_ISDIR(status.st_mode)) return Handle();
    folder = std::move(next);
  }
  return folder;
}

bool is_runtime_file(std::string_view name) {
  return (name.starts_with("jpserver-") || name.starts_with("nbserver-")) && name.ends_with(".json");
}

struct RuntimeFile {
  std::string text;  // "" for what is no regular file of that user's
  std::int64_t written = 0;
};

RuntimeFile read_own_file(int folder, const std::string& name, std::uint32_t uid) {
  const Handle file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno != ENOENT && errno != ELOOP) throw system_error("opening " + name, errno);
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != uid) return {};
  std::string text(largest_file, '\0');
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return {std::move(text), status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec};
}

std::vector<RuntimeFile> runtime_files(const RuntimeHome& of) {
  const Handle folder = open_runtime_folder(of.home);
  if (!folder) return {};
  const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, CloseRuntime> list(copy < 0 ? nullptr : ::fdopendir(copy));
  if (!list) throw system_error("listing the runtime folder in " + of.home, errno);
  std::vector<RuntimeFile> files;
  while (const dirent* entry = ::readdir(list.get())) {
    if (!is_runtime_file(entry->d_name)) continue;
    if (files.size() == most_files) throw Error("too many runtime files in " + of.home);
    files.push_back(read_own_file(folder.get(), entry->d_name, of.uid));
  }
  return files;
}

std::string text_member(const Value& v, const char* key) {
  const Value* found = v.find(key);
  return found && found->is_string() ? found->as_string() : "";
}

// What can stand in a request's first line and in a header without an end of its own.
bool is_plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// The address under which it is asked; "" if that is none of the loopback's.
std::string loopback_of(const std::string& hostname) {
  static const std::set<std::string> four{"", "localhost", "127.0.0.1", "0.0.0.0", "*"};
  if (four.contains(hostname)) return "127.0.0.1";
  return hostname == "::1" || hostname == "::" ? "::1" : "";
}

std::string problem_of(const Value& v, const JupyterServer& server, const std::string& hostname) {
  const Value* secure = v.find("secure");
  if (secure && secure->is_bool() && secure->as_bool()) return "it speaks TLS, which is not asked";
  if (server.address.empty()) return fmt::format("it listens on {}, which is not asked", hostname);
  if (!server.path.starts_with('/') || !server.path.ends_with('/') || !is_plain(server.path))
    return "its base_url is no path";
  if (!is_plain(server.token)) return "its token is none";
  return "";
}

}  // namespace

std::vector<RuntimeHome> account_homes() {
  std::vector<RuntimeHome> homes;
  std::set<std::pair<std::string, std::uint32_t>> known;
  ::setpwent();
  while (const passwd* one = ::getpwent())
    if (known.emplace(one->pw_dir, one->pw_uid).second) homes.push_back({one->pw_dir, one->pw_uid});
  ::endpwent();
  return homes;
}

std::optional<JupyterServer> parse_runtime_file(const std::string& json) {
  const Source source{"a runtime file", json};
  Diagnostics mistakes;
  const auto value = parse_document(source, mistakes);
  if (!value || !mistakes.empty()) return std::nullopt;
  const Value* port = value->find("port");
  if (!port || !port->is_integer() || port->as_integer() < 1 || port->as_integer() > 65535) return std::nullopt;
  JupyterServer server;
  server.port = static_cast<std::uint16_t>(port->as_integer());
  const std::string hostname = text_member(*value, "hostname");
  server.address = loopback_of(hostname);
  server.token = text_member(*value, "token");
  if (value->find("base_url")) server.path = text_member(*value, "base_url");
  server.problem = problem_of(*value, server, hostname);
  return server;
}

std::vector<JupyterServer> find_jupyter_servers(const std::vector<RuntimeHome>& homes,
                                                const std::vector<TcpSocket>& sockets,
                                                const std::optional<std::vector<std::uint16_t>>& only) {
  const auto asked = [&](std::uint16_t port) {
    return !only || std::find(only->begin(), only->end(), port) != only->end();
  };
  const auto listens = [&](std::uint16_t port, std::optional<std::uint32_t> uid) {
    return std::any_of(sockets.begin(), sockets.end(), [&](const TcpSocket& s) {
      return s.listening && s.port == port && (!uid || s.uid == *uid);
    });
  };
  std::map<std::uint16_t, JupyterServer> found;
  // A server that was killed leaves its file: of several for a port, the last one written counts.
  std::map<std::uint16_t, std::int64_t> written;
  for (const RuntimeHome& home : homes)
    for (const RuntimeFile& file : runtime_files(home)) {
      const auto one = parse_runtime_file(file.text);
      if (!one || !asked(one->port) || !listens(one->port, home.uid)) continue;
      std::int64_t& latest = written[one->port];
      if (latest > file.written) continue;
      latest = file.written;
      found[one->port] = *one;
    }
  if (only)
    for (const std::uint16_t port : *only)
      if (!found.contains(port) && listens(port, std::nullopt))
        found[port] = {.port = port, .problem = "what listens there left no runtime file of Jupyter's"};
  std::vector<JupyterServer> all;
  for (auto& [port, server] : found) all.push_back(std::move(server));
  return all;
}

std::string list_kernels(const JupyterServer& server) {
  std::string headers;
  if (!server.token.empty()) headers = fmt::format("Authorization: token {}\r\n", server.token);
  return get_from_loopback(server.address, server.port, server.path + "api/kernels", headers);
}

}  // namespace mlops
