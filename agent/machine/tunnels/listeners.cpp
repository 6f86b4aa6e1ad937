#include "machine/tunnels/listeners.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "model/command_line.hpp"

namespace mlops {
namespace {

using Address = unsigned char[16];

struct CloseFolder {
  void operator()(DIR* d) const { ::closedir(d); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

constexpr unsigned listening = 0x0A;  // TCP_LISTEN

// As an IPv6 address, IPv4 mapped (RFC 4291 section 2.5.5.2).
void to_address(const std::string& host, Address& address) {
  static constexpr Address mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  std::memcpy(address, mapped, sizeof mapped);
  if (::inet_pton(AF_INET, host.c_str(), address + 12) == 1) return;
  std::memcpy(address, mapped, sizeof mapped);
  Address v6;
  if (::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), v6) == 1) std::memcpy(address, v6, sizeof v6);
}

bool is_v4(const Address& a) { return a[10] == 0xff && a[11] == 0xff && std::count(a, a + 10, 0) == 10; }
bool is_wildcard(const Address& a) {
  return std::count(a, a + 16, 0) == 16 || (is_v4(a) && std::count(a + 12, a + 16, 0) == 4);
}

// A socket of [::] takes IPv4 as well; one of 0.0.0.0 takes IPv4 alone.
bool same_place(const Address& a, const Address& b) {
  if (std::memcmp(a, b, sizeof(Address)) == 0) return true;
  if (is_v4(a) != is_v4(b)) return (!is_v4(a) && is_wildcard(a)) || (!is_v4(b) && is_wildcard(b));
  return is_wildcard(a) || is_wildcard(b);
}

// The kernel prints each 32-bit word of the address as this machine holds it.
bool read_address(std::string_view hex, Address& address) {
  static constexpr Address mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
  if (hex.size() != 8 && hex.size() != 32) return false;
  std::memcpy(address, mapped, sizeof mapped);
  unsigned char* to = hex.size() == 8 ? address + 12 : address;
  for (std::size_t at = 0; at < hex.size(); at += 8, to += 4) {
    const auto word = static_cast<std::uint32_t>(std::stoul(std::string(hex.substr(at, 8)), nullptr, 16));
    std::memcpy(to, &word, sizeof word);
  }
  return true;
}

template <class Match>
std::optional<ListeningSocket> find_line(const char* table, Match match) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // the heading
  while (std::getline(file, line))
    if (const auto found = match(line)) return found;
  return std::nullopt;
}

std::optional<ListeningSocket> find_tcp(const Endpoint& place) {
  Address address;
  to_address(place.host, address);
  const auto match = [&](const std::string& line) { return match_tcp_line(line, address, place.port); };
  const auto found = find_line("/proc/net/tcp", match);
  return found ? found : find_line("/proc/net/tcp6", match);
}

// Num RefCount Protocol Flags Type St Inode Path; __SO_ACCEPTCON in Flags is a listening one.
std::optional<ListeningSocket> find_unix(const std::string& path) {
  return find_line("/proc/net/unix", [&](const std::string& line) -> std::optional<ListeningSocket> {
    constexpr unsigned accepts = 0x10000;
    unsigned flags = 0;
    unsigned long inode = 0;
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%*s %*s %*s %x %*s %*s %lu %n", &flags, &inode, &path_at) < 2) return std::nullopt;
    if (!(flags & accepts) || line.substr(static_cast<std::size_t>(path_at)) != path) return std::nullopt;
    struct stat s {};
    return ListeningSocket{inode, ::stat(path.c_str(), &s) == 0 ? s.st_uid : static_cast<unsigned>(-1)};
  });
}

bool has_socket(const std::string& descriptors, const std::string& wanted) {
  const Folder folder(::opendir(descriptors.c_str()));
  if (!folder) return false;
  char target[64];
  while (const dirent* entry = ::readdir(folder.get())) {
    const ssize_t n = ::readlinkat(::dirfd(folder.get()), entry->d_name, target, sizeof target);
    if (n > 0 && std::string_view(target, static_cast<std::size_t>(n)) == wanted) return true;
  }
  return false;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string describe_process(const std::string& pid) {
  std::vector<std::string> words;
  std::istringstream argv(read_file("/proc/" + pid + "/cmdline"));
  for (std::string word; std::getline(argv, word, '\0');) words.push_back(word);
  if (words.empty()) {
    std::string name = read_file("/proc/" + pid + "/comm");
    if (name.ends_with('\n')) name.pop_back();
    words.push_back(name);
  }
  return fmt::format("`{}` (process {})", short_command_line(words), pid);
}

std::optional<std::string> find_process(unsigned long inode) {
  const std::string wanted = fmt::format("socket:[{}]", inode);
  const Folder processes(::opendir("/proc"));
  if (!processes) return std::nullopt;
  while (const dirent* entry = ::readdir(processes.get())) {
    const std::string pid = entry->d_name;
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (has_socket("/proc/" + pid + "/fd", wanted)) return describe_process(pid);
  }
  return std::nullopt;
}

std::string describe_owner(unsigned uid) {
  if (const passwd* account = ::getpwuid(uid)) return fmt::format("a program of {}'s", account->pw_name);
  return "another user's program";
}

}  // namespace

// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
std::optional<ListeningSocket> match_tcp_line(std::string_view line, const unsigned char (&address)[16],
                                              std::uint16_t port) {
  char hex[33];
  unsigned line_port = 0, state = 0, uid = 0;
  unsigned long inode = 0;
  if (std::sscanf(std::string(line).c_str(), " %*[0-9]: %32[0-9A-F]:%x %*[0-9A-F:] %x %*s %*s %*s %u %*s %lu", hex,
                  &line_port, &state, &uid, &inode) != 5)
    return std::nullopt;
  Address listens;
  if (state != listening || line_port != port || !read_address(hex, listens)) return std::nullopt;
  if (!same_place(listens, address)) return std::nullopt;
  return ListeningSocket{inode, uid};
}

std::optional<std::string> listener_of(const Endpoint& place) {
  const auto socket = place.is_socket() ? find_unix(place.path) : find_tcp(place);
  if (!socket) return std::nullopt;
  const auto process = find_process(socket->inode);
  return process ? *process : describe_owner(socket->uid);
}

}  // namespace mlops
