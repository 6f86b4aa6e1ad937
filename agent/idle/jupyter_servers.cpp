#include "idle/jupyter_servers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/path_parts.hpp"
#include "base/printable.hpp"
#include "idle/folder_names.hpp"
#include "idle/loopback_http.hpp"
#include "model/document.hpp"

namespace mlops {
namespace {

constexpr std::size_t largest_file = 16 * 1024;   // bytes; one of Jupyter's has a few hundred
constexpr std::size_t most_runtime_files = 1000;  // in one folder
constexpr std::size_t most_servers = 8;           // of one user
constexpr std::size_t most_looked_at = 200;       // processes whose sockets are listed
constexpr std::size_t longest_shown = 64;         // bytes of what others wrote
constexpr auto time_for_one = std::chrono::seconds(5);

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

void for_each_runtime_file(const RuntimeHome& of, const std::function<void(const RuntimeFile&)>& use) {
  const Handle folder = open_runtime_folder(of.home);
  if (!folder) return;
  std::size_t seen = 0;
  const int error = for_each_name(folder.get(), [&](const char* name) {
    if (!is_runtime_file(name)) return true;
    if (++seen > most_runtime_files) throw Error("too many runtime files in " + of.home);
    use(read_own_file(folder.get(), name, of.uid));
    return true;
  });
  if (error != 0) throw system_error("listing the runtime folder in " + of.home, error);
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
  if (server.port == 0) return "it listens on a socket of the file system, which is not asked";
  if (secure && secure->is_bool() && secure->as_bool()) return "it speaks TLS, which is not asked";
  if (server.address.empty())
    return fmt::format("it listens on {}, which is not asked", printable(hostname.substr(0, longest_shown)));
  if (!server.path.starts_with('/') || !server.path.ends_with('/') || !is_plain(server.path))
    return "its base_url is no path";
  if (!is_plain(server.token)) return "its token is none";
  return "";
}

// The account's home; absent if there is no such account.
std::optional<std::string> home_of(std::uint32_t uid) {
  std::vector<char> buffer(16 * 1024);
  passwd account{}, *found = nullptr;
  const int error = ::getpwuid_r(uid, &account, buffer.data(), buffer.size(), &found);
  // Some of the modules of nsswitch.conf(5) report that there is none as an error.
  if (error != 0 && error != ENOENT && error != ESRCH)
    throw system_error(fmt::format("looking up the account {}", uid), error);
  return found ? std::optional<std::string>(found->pw_dir) : std::nullopt;
}

// The search for servers, with what was found.
class JupyterSearch {
 public:
  JupyterSearch(const std::vector<TcpSocket>& sockets, const std::vector<ProcessEntry>& processes,
                const std::optional<std::vector<std::uint16_t>>& only)
      : sockets_(sockets), processes_(processes), only_(only) {}

  void look_into(const RuntimeHome& home) {
    for_each_runtime_file(home, [&](const RuntimeFile& file) {
      auto one = parse_runtime_file(file.text);
      if (one && asked(one->port) && runs(*one, home.uid)) add(std::move(*one), file.written);
    });
  }

  std::vector<JupyterServer> result() {
    std::vector<JupyterServer> all;
    for (auto& [key, one] : found_) all.push_back(std::move(one.server));
    for (const std::uint32_t uid : too_many_)
      all.push_back({.problem = fmt::format("user {} runs more than {}", uid, most_servers)});
    for (const std::uint16_t port : without_file())
      all.push_back({.port = port, .problem = "what listens there left no runtime file of Jupyter's"});
    return all;
  }

 private:
  using Key = std::tuple<std::uint32_t, std::uint16_t, std::string>;  // user, port, address
  struct Found {
    JupyterServer server;
    std::int64_t written = 0;
  };

  bool asked(std::uint16_t port) const {
    return !only_ || std::find(only_->begin(), only_->end(), port) != only_->end();
  }

  // Whether the server that such a file of this user's is about may still run. Its listener becomes known.
  bool runs(JupyterServer& server, std::uint32_t uid) const {
    server.listener.uid = uid;
    if (server.port == 0)
      return server.pid == 0 || std::any_of(processes_.begin(), processes_.end(), [&](const ProcessEntry& p) {
               return p.pid == server.pid && p.uid == uid;
             });
    const auto own = std::find_if(sockets_.begin(), sockets_.end(), [&](const TcpSocket& s) {
      return s.listening && s.port == server.port && s.uid == uid;
    });
    if (own == sockets_.end()) return false;
    const auto listener = listener_at(sockets_, server.address, server.port);
    if (listener && listener->uid == uid)
      server.listener = *listener;
    else if (server.problem.empty())
      server.problem = "its user does not listen at " + server.address;
    return true;
  }

  // A server that was killed leaves its file: of a user's several, the last one written counts.
  void add(JupyterServer server, std::int64_t written) {
    const Key key{server.listener.uid, server.port, server.address};
    const auto known = found_.find(key);
    if (known != found_.end()) {
      if (written >= known->second.written) known->second = {std::move(server), written};
    } else if (++count_[server.listener.uid] > most_servers) {
      too_many_.insert(server.listener.uid);
    } else {
      found_.emplace(key, Found{std::move(server), written});
    }
  }

  // The ports of `only` on which a user listens of whose servers none is there.
  std::set<std::uint16_t> without_file() const {
    std::set<std::uint16_t> ports;
    if (!only_) return ports;
    std::set<std::pair<std::uint32_t, std::uint16_t>> known;
    for (const auto& [key, one] : found_) known.emplace(std::get<0>(key), std::get<1>(key));
    for (const TcpSocket& s : sockets_)
      if (s.listening && asked(s.port) && !known.contains({s.uid, s.port})) ports.insert(s.port);
    return ports;
  }

  const std::vector<TcpSocket>& sockets_;
  const std::vector<ProcessEntry>& processes_;
  const std::optional<std::vector<std::uint16_t>>& only_;
  std::map<Key, Found> found_;
  std::map<std::uint32_t, std::size_t> count_;  // by user
  std::set<std::uint32_t> too_many_;
};

bool gets_connections(const JupyterServer& server, const std::vector<TcpSocket>& sockets) {
  const auto now = listener_at(sockets, server.address, server.port);
  return now && now->cookie == server.listener.cookie && now->uid == server.listener.uid;
}

}  // namespace

std::vector<RuntimeHome> account_homes(const std::vector<TcpSocket>& sockets) {
  std::vector<RuntimeHome> homes;
  std::set<std::pair<std::string, std::uint32_t>> known;
  std::set<std::uint32_t> uids;
  ::setpwent();
  while (const passwd* one = ::getpwent()) {
    uids.insert(one->pw_uid);
    if (known.emplace(one->pw_dir, one->pw_uid).second) homes.push_back({one->pw_dir, one->pw_uid});
  }
  ::endpwent();
  for (const TcpSocket& s : sockets)
    if (s.listening && uids.insert(s.uid).second)
      if (const auto home = home_of(s.uid)) homes.push_back({*home, s.uid});
  return homes;
}

std::optional<JupyterServer> parse_runtime_file(const std::string& json) {
  const Source source{"a runtime file", json};
  Diagnostics mistakes;
  const auto value = parse_document(source, mistakes);
  if (!value || !mistakes.empty() || !value->is_object()) return std::nullopt;
  const Value *port = value->find("port"), *pid = value->find("pid");
  const bool by_path = !text_member(*value, "sock").empty();
  if (!by_path && (!port || !port->is_integer() || port->as_integer() < 1 || port->as_integer() > 65535))
    return std::nullopt;
  JupyterServer server;
  server.port = by_path ? std::uint16_t{0} : static_cast<std::uint16_t>(port->as_integer());
  if (pid && pid->is_integer() && pid->as_integer() > 0 && pid->as_integer() <= INT_MAX)
    server.pid = static_cast<int>(pid->as_integer());
  const std::string hostname = text_member(*value, "hostname");
  server.address = loopback_of(hostname);
  server.token = text_member(*value, "token");
  if (value->find("base_url")) server.path = text_member(*value, "base_url");
  server.problem = problem_of(*value, server, hostname);
  return server;
}

std::vector<JupyterServer> find_jupyter_servers(const std::vector<RuntimeHome>& homes,
                                                const std::vector<TcpSocket>& sockets,
                                                const std::vector<ProcessEntry>& processes,
                                                const std::optional<std::vector<std::uint16_t>>& only) {
  JupyterSearch search(sockets, processes, only);
  for (const RuntimeHome& home : homes) search.look_into(home);
  return search.result();
}

// `jupyter-lab …`, `/usr/bin/python3 /home/ada/bin/jupyter-lab …`, `python3 -m jupyterlab …`: the name is among
// the first words, before the server's own options.
bool is_jupyter_server(const std::vector<std::string>& words) {
  constexpr std::size_t first_words = 5;
  static const std::set<std::string_view> programs{"jupyter-lab",    "jupyter-notebook",
                                                   "jupyter-server", "jupyter-nbclassic",
                                                   "jupyter-labhub", "jupyterhub-singleuser"};
  static const std::set<std::string_view> modules{"jupyterlab", "notebook", "jupyter_server", "nbclassic"};
  for (std::size_t i = 0; i < std::min(words.size(), first_words); ++i) {
    if (programs.contains(name_of(words[i]))) return true;
    if (i > 0 && words[i - 1] == "-m" && modules.contains(words[i])) return true;
  }
  return false;
}

std::vector<JupyterServer> servers_without_file(
    const std::vector<ProcessEntry>& processes, const std::vector<JupyterServer>& found,
    const std::function<std::vector<std::string>(int)>& command_line_of,
    const std::function<std::set<std::uint64_t>(int)>& sockets_of) {
  std::vector<JupyterServer> all;
  std::set<std::uint32_t> reported;
  std::size_t looked_at = 0;
  for (const ProcessEntry& p : processes) {
    if (reported.contains(p.uid) || !is_jupyter_server(command_line_of(p.pid))) continue;
    if (++looked_at > most_looked_at) throw Error("too many processes are Jupyter servers");
    const auto held = sockets_of(p.pid);
    const bool known = std::any_of(found.begin(), found.end(), [&](const JupyterServer& s) {
      return s.port != 0 && held.contains(s.listener.inode);
    });
    if (known || !reported.insert(p.uid).second) continue;
    all.push_back({.problem = fmt::format("process {} is a Jupyter server without a runtime file in its "
                                          "user's home",
                                          p.pid),
                   .pid = p.pid});
  }
  return all;
}

std::string list_kernels(const JupyterServer& server, std::chrono::steady_clock::time_point end,
                         const std::function<std::vector<TcpSocket>()>& sockets) {
  using Ms = std::chrono::milliseconds;
  const auto left = std::chrono::duration_cast<Ms>(end - std::chrono::steady_clock::now());
  if (left.count() <= 0) throw Error("there was no time left to ask it");
  LoopbackRequest request{.address = server.address, .port = server.port};
  // What we ask is no use of the server, which may itself end when nobody uses it.
  request.path = server.path + "api/kernels?no_track_activity=1";
  if (!server.token.empty()) request.headers = fmt::format("Authorization: token {}\r\n", server.token);
  request.connected = [&] {
    if (!gets_connections(server, sockets())) throw Error("another program listens there by now");
  };
  request.patience = std::min<Ms>(left, time_for_one);
  return get_from_loopback(request);
}

}  // namespace mlops
