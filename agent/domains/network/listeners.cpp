#include "domains/network/listeners.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>

#include "base/proc_file.hpp"

namespace mlops {
namespace {

constexpr std::string_view state_listen = "0A";    // TCP_LISTEN, net/tcp_states.h
constexpr unsigned long unix_listening = 0x10000;  // __SO_ACCEPTCON, linux/net.h
constexpr std::size_t longest_comm = 15;           // TASK_COMM_LEN - 1, linux/sched.h

struct Socket {
  std::string address;
  std::uint32_t uid = 0;
  std::string inode;
};

// The words of a line, separated by spaces.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(' '); at != line.npos; at = line.find_first_not_of(' ', at)) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

template <class T>
std::optional<T> number(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "0100007F" is 127.0.0.1 on a little-endian machine: each 32-bit word is printed as the number it is in
// memory.
std::optional<std::string> address_of(std::string_view hex) {
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = hex.size() / 8;
  if (hex.size() % 8 != 0 || (count != 1 && count != 4)) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    const auto word = number<std::uint32_t>(hex.substr(8 * i, 8), 16);
    if (!word) return std::nullopt;
    words[i] = *word;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!::inet_ntop(count == 1 ? AF_INET : AF_INET6, words.data(), text.data(), text.size()))
    return std::nullopt;
  return text.data();
}

// The listening sockets of one table on the port. They come first in it, so the rest is not read.
void read_table(const std::string& path, std::uint16_t port, std::vector<Socket>& into) {
  std::ifstream table(path);
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    const auto words = words_of(line);
    if (words.size() < 10 || words[3] != state_listen) return;
    const std::size_t colon = words[1].find(':');
    if (colon == words[1].npos || number<std::uint16_t>(words[1].substr(colon + 1), 16) != port) continue;
    auto address = address_of(words[1].substr(0, colon));
    const auto uid = number<std::uint32_t>(words[7], 10);
    if (address && uid) into.push_back({std::move(*address), *uid, std::string(words[9])});
  }
}

// Whether a socket bound to `bound` accepts connections to `wanted`. One bound to :: accepts IPv4 as well,
// unless it was configured not to, which the table does not show.
bool reaches(const std::string& wanted, const std::string& bound) {
  const std::string_view mapped = "::ffff:";
  const std::string plain = bound.starts_with(mapped) ? bound.substr(mapped.size()) : bound;
  if (plain == wanted || bound == "::") return true;
  const bool any = wanted == "0.0.0.0" || wanted == "::";
  const bool same_family = (wanted.find(':') == wanted.npos) == (plain.find(':') == plain.npos);
  return same_family ? plain == "0.0.0.0" || any : wanted == "::";
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

bool holds(const std::string& process, const std::string& inode) {
  const std::string wanted = "socket:[" + inode + "]";
  const Folder folder(::opendir((process + "/fd").c_str()));
  std::array<char, 64> target{};
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
    const ssize_t n = ::readlinkat(::dirfd(folder.get()), entry->d_name, target.data(), target.size());
    if (n > 0 && wanted == std::string_view(target.data(), static_cast<std::size_t>(n))) return true;
  }
  return false;
}

// A process that holds the socket: preferably one of the user who created it, else any.
std::optional<int> holder_of(const std::string& proc, const Socket& socket) {
  const Folder folder(::opendir(proc.c_str()));
  std::vector<std::string> others;
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    struct stat s {};
    if (::fstatat(::dirfd(folder.get()), entry->d_name, &s, 0) != 0) continue;
    if (s.st_uid != socket.uid)
      others.emplace_back(name);
    else if (holds(fmt::format("{}/{}", proc, name), socket.inode))
      return number<int>(name, 10);
  }
  for (const std::string& name : others)
    if (holds(proc + "/" + name, socket.inode)) return number<int>(name, 10);
  return std::nullopt;
}

// The kernel truncates the name after 15 bytes; the first words of the command line have the rest.
std::string program_of(const std::string& process) {
  std::string name = read_proc_file(process + "/comm");
  while (name.ends_with('\n')) name.pop_back();
  if (name.size() < longest_comm) return name;
  const std::string line = read_proc_file(process + "/cmdline");
  std::string_view rest = line;
  for (int word = 0; word < 2 && !rest.empty(); ++word) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    const std::string_view path = rest.substr(0, end);
    const std::string_view base = path.substr(path.rfind('/') == path.npos ? 0 : path.rfind('/') + 1);
    if (base.starts_with(name)) return std::string(base);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return name;
}

// The innermost unit in the path of its control group (cgroups(7)), "0::/system.slice/nginx.service".
std::string unit_of(const std::string& process) {
  const std::string groups = read_proc_file(process + "/cgroup");
  for (std::size_t from = 0; from < groups.size();) {
    const std::size_t end = std::min(groups.find('\n', from), groups.size());
    std::string_view line(groups.data() + from, end - from);
    from = end + 1;
    if (!line.starts_with("0::") && line.find(":name=systemd:") == line.npos) continue;
    while (!line.empty()) {
      const std::size_t slash = line.rfind('/');
      const std::string_view name = line.substr(slash == line.npos ? 0 : slash + 1);
      if (name.ends_with(".service") || name.ends_with(".scope")) return std::string(name);
      line = line.substr(0, slash == line.npos ? 0 : slash);
    }
  }
  return "";
}

Listener described(const std::string& proc, const Socket& socket, std::uint16_t port) {
  Listener l{socket.address, port, socket.uid, holder_of(proc, socket), "", ""};
  if (!l.pid) return l;
  const std::string process = fmt::format("{}/{}", proc, *l.pid);
  l.program = program_of(process);
  l.unit = unit_of(process);
  return l;
}

}  // namespace

std::optional<Listener> listener_on(const std::string& address, std::uint16_t port, const std::string& proc) {
  std::vector<Socket> sockets;
  for (const char* table : {"/net/tcp", "/net/tcp6"}) read_table(proc + table, port, sockets);
  const Socket* found = nullptr;
  for (const Socket& socket : sockets)
    if (reaches(address, socket.address) && (!found || socket.address == address)) found = &socket;
  if (!found) return std::nullopt;
  return described(proc, *found, port);
}

std::optional<Listener> listener_on_socket(const std::string& path, const std::string& proc) {
  std::ifstream table(proc + "/net/unix");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    // "Num: RefCount Protocol Flags Type St Inode Path", of which only the path may contain spaces.
    const auto words = words_of(line);
    if (words.size() < 8 || line.substr(static_cast<std::size_t>(words[7].data() - line.data())) != path)
      continue;
    if (!(number<unsigned long>(words[3], 16).value_or(0) & unix_listening)) continue;
    struct stat s {};
    const bool there = ::stat(path.c_str(), &s) == 0;
    return described(proc, {path, there ? s.st_uid : 0, std::string(words[6])}, 0);
  }
  return std::nullopt;
}

std::string describe(const Listener& l) {
  if (!l.pid) return fmt::format("a program of uid {}", l.uid);
  if (l.unit.empty() || l.unit.ends_with(".scope")) return fmt::format("{} (pid {})", l.program, *l.pid);
  return fmt::format("{} (pid {}, {})", l.program, *l.pid, l.unit);
}

}  // namespace mlops
