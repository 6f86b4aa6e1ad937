#include "ssh/host_trust.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "base/descriptor_io.hpp"
#include "base/error.hpp"
#include "base/handle.hpp"
#include "ssh/pinned_keys.hpp"

namespace mlops {
namespace {

using Case = HostKeyJudgement::Case;
using Strict = SshSettings::Strict;

constexpr std::size_t largest_list = 64u << 20;

std::string read_list(int fd, const std::string& path) {
  std::string text = read_all(fd, largest_list, "reading", path);
  if (text.size() > largest_list) throw Error(fmt::format("{} is too large for a list of keys", path));
  return text;
}

// Absent if there is no such file.
std::optional<std::string> content_of(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return {};
  if (!file) throw system_error("reading " + path, errno);
  return read_list(file.get(), path);
}

std::string described(const HostKey& key) { return short_type(key.type) + " " + fingerprint(key); }

bool is_loopback(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (host == "localhost") return true;
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string not_known(const SshSettings& s, const HostKey& shown, const std::string& known_as, bool authority) {
  return fmt::format(
      "the host key of {} is not known: {}.{} Compare it with the host's own (there: ssh-keygen -lf "
      "/etc/ssh/ssh_host_{}_key.pub). To accept it, run again with --accept-new-host-keys, or connect once "
      "with `ssh "
      "{}`.",
      known_as, described(shown),
      authority ? " (An authority is named for it; hosts' certificates are not supported.)" : "",
      shown.type == "ssh-rsa"            ? "rsa"
      : shown.type.starts_with("ecdsa-") ? "ecdsa"
                                         : "ed25519",
      s.name);
}

std::string has_changed(const SshSettings& s, const HostKey& shown, const HostKeyJudgement& j,
                        const std::string& known_as) {
  const std::string file = j.where.substr(0, j.where.rfind(':'));
  const std::string keys = fmt::format("it shows {}, but {} has {} {} ({})", described(shown), j.where,
                                       j.known_type == shown.type ? "another" : "only its",
                                       short_type(j.known_type), fingerprint(j.known_key));
  const std::string remedy =
      fmt::format("remove the old one (ssh-keygen -f {} -R '{}') and run again", file, known_as);
  // An alias is bound to the machine: where the address passes to another one, that is no change of the key.
  if (!s.host_key_alias.empty())
    return fmt::format(
        "{} answers as another machine than {}: {}. Nothing was sent there. If its address has moved, write "
        "the new "
        "one; only if you know that the machine itself got a new key, {}.",
        s.host, known_as, keys, remedy);
  return fmt::format(
      "the host key of {} has changed: {}. Somebody may be answering in its place. Only if you know that the "
      "host "
      "got a new key, {}.",
      known_as, keys, remedy);
}

// When the key was about to be written, the file already had another one.
class Refused : public Error {
 public:
  using Error::Error;
};

std::string random_salt() {
  std::string salt(20, '\0');
  if (::getrandom(salt.data(), salt.size(), 0) != static_cast<ssize_t>(salt.size()))
    throw system_error("random bytes", errno);
  return salt;
}

void make_folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  if (!folder.empty() && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw system_error("making " + folder, errno);
}

void append(int fd, const std::string& path, const std::string& line) {
  const ssize_t n = ::write(fd, line.data(), line.size());
  if (n != static_cast<ssize_t>(line.size())) throw system_error("writing " + path, n < 0 ? errno : ENOSPC);
}

}  // namespace

HostTrust::HostTrust(const SshSettings& settings)
    : settings_(settings), known_as_(known_hosts_name(settings.host, settings.port, settings.host_key_alias)) {
  for (const auto* list : {&settings.user_known_hosts, &settings.global_known_hosts})
    for (const std::string& path : *list)
      if (auto text = content_of(path)) files_.push_back({path, std::move(*text)});
}

std::vector<std::string> HostTrust::algorithms() const {
  return prefer_known(settings_.host_key_algorithms, known_key_types(known_as_, files_));
}

void HostTrust::check_revoked(const HostKey& shown) const {
  const std::string& path = settings_.revoked_host_keys;
  if (path.empty()) return;
  const auto text = content_of(path);
  if (!text) throw Error(fmt::format("RevokedHostKeys {}: there is no such file", path));
  if (text->starts_with("SSHKRL\n"))
    throw Error(
        fmt::format("RevokedHostKeys {}: a binary list (KRL) cannot be read here, a list of keys can", path));
  if (lists_key(shown, *text))
    throw Error(
        fmt::format("the host key of {} is revoked: {} stands in {}", known_as_, described(shown), path));
}

void HostTrust::check(const HostKey& shown, bool accept_new,
                      const std::function<void(const std::string&)>& warn) const {
  if (settings_.no_check_for_loopback && is_loopback(settings_.host)) return;
  check_revoked(shown);
  const HostKeyJudgement j = judge_host_key(shown, known_as_, files_);
  if (j.what == Case::known) return;
  if (j.what == Case::revoked)
    throw Error(fmt::format("the host key of {} is revoked: {} ({})", known_as_, described(shown), j.where));
  if (j.what == Case::changed) throw Error(has_changed(settings_, shown, j, known_as_));
  const bool silent = settings_.strict == Strict::no && !accept_new;
  if (silent && warn)
    warn(
        fmt::format("warning: {}: its new host key {} is accepted unseen, since the ssh configuration says "
                    "StrictHostKeyChecking no",
                    known_as_, described(shown)));
  if (!accept_new && settings_.strict != Strict::accept_new && settings_.strict != Strict::no)
    throw Error(not_known(settings_, shown, known_as_, j.authority));
  try {
    write_down(shown);
  } catch (const Refused&) {
    throw;
  } catch (const Error& e) {  // it was accepted, and will be asked about again
    if (warn) warn(fmt::format("warning: the host key of {} could not be kept: {}", known_as_, e.what()));
  }
}

// Under a lock, and only if the host is still unknown by then: many hosts, and many runs, may share the file.
void HostTrust::write_down(const HostKey& shown) const {
  if (settings_.user_known_hosts.empty() || settings_.user_known_hosts.front() == "/dev/null") return;
  const std::string& path = settings_.user_known_hosts.front();
  make_folder_of(path);
  const Handle file = open_locked(path, O_APPEND);
  const std::string text = read_list(file.get(), path);
  const HostKeyJudgement now = judge_host_key(shown, known_as_, {{path, text}});
  if (now.what == Case::known) return;
  if (now.what != Case::fresh) throw Refused(has_changed(settings_, shown, now, known_as_));
  const std::string line = known_hosts_line(shown, known_as_, settings_.hash_known_hosts ? random_salt() : "");
  append(file.get(), path, (text.empty() || text.ends_with('\n') ? "" : "\n") + line);
}

}  // namespace mlops
