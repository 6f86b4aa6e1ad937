#include "ssh/connection.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "ssh/authentication.hpp"
#include "ssh/host_trust.hpp"
#include "ssh/libssh_connection.hpp"
#include "ssh/tcp.hpp"

namespace mlops {
namespace {

constexpr int most_jumps = 8;

bool has_aes() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("aes") != 0;
#else
  return false;
#endif
}

// OpenSSH's default order (myproposal.h, 6.7 to 9.8) begins with ChaCha20, which takes twice as long as AES in
// hardware. A configured order is kept.
std::vector<std::string> ciphers_of(const SshSettings& s) {
  static const std::vector<std::string> of_openssh{
      "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com",
      "aes256-gcm@openssh.com"};
  if (s.ciphers != of_openssh || !has_aes()) return s.ciphers;
  std::vector<std::string> order = of_openssh;
  std::rotate(order.begin(), order.begin() + 4, order.end());
  return order;
}

std::string list(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ",")); }

SshOwned<mlops_ssh_session> shake_hands(const SshBackend& backend, Handle socket, const SshSettings& s,
                                        const HostTrust& trust, const SshWay& way, const Deadline& deadline,
                                        const Cancellation& cancellation) {
  const std::string key_exchange = list(s.key_exchange), host_keys = list(trust.algorithms()),
                    ciphers = list(ciphers_of(s)), macs = list(s.macs),
                    public_keys = list(s.public_key_algorithms);
  const mlops_ssh_algorithms algorithms{key_exchange.c_str(),
                                        host_keys.c_str(),
                                        ciphers.c_str(),
                                        macs.c_str(),
                                        public_keys.c_str(),
                                        s.compression,
                                        static_cast<int>(s.least_rsa_bits)};
  const mlops_ssh_patience patience{deadline.milliseconds_left(), cancellation.fd()};
  mlops_ssh_result result{};
  mlops_ssh_session* session =
      backend.open(given_away(std::move(socket)), s.user.c_str(), &algorithms, &patience, &result);
  if (session) return {session, backend.close};
  if (result.outcome == mlops_ssh_cancelled) throw Error("interrupted", ErrorKind::cancelled);
  if (result.outcome == mlops_ssh_timed_out)
    throw Error(fmt::format("{} port {} is reached, but no ssh server answers there within {:g} s", s.host,
                            s.port, double(deadline.whole().count()) / 1000),
                ErrorKind::unavailable);
  std::string why = result.message;
  if (const std::string said = way.command ? way.command->complaint() : ""; !said.empty())
    why += "; its ProxyCommand says: " + said;
  throw Error(fmt::format("{} port {}: no ssh connection: {}", s.host, s.port, why), ErrorKind::unavailable);
}

// One attempt to reach a host, through its jump hosts.
class Connecting {
 public:
  Connecting(const ConnectOptions& options, const Cancellation& cancellation)
      : options_(options), cancellation_(cancellation), deadline_(options.timeout) {}

  std::unique_ptr<Connection> run(const SshSettings& s, int jumps = 0) {
    if (jumps > most_jumps)
      throw Error(
          fmt::format("ProxyJump leads over more than {} hosts; does {} lead to itself?", most_jumps, s.name));
    say_what_is_not_followed(s);
    const HostTrust trust(s);
    SshWay way;
    at(ConnectStage::address, jumps);
    Handle socket = reach(s, way, jumps);
    at(ConnectStage::port, jumps);
    auto session = shake_hands(backend_, std::move(socket), s, trust, way, deadline_, cancellation_);
    at(ConnectStage::host_key, jumps);
    mlops_ssh_host_key shown{};
    backend_.get_host_key(session.get(), &shown);
    trust.check({shown.type, shown.base64}, options_.accept_new_host_keys, options_.warn);
    at(ConnectStage::login, jumps);
    authenticate(backend_, session.get(), s, options_, deadline_, cancellation_);
    return serve_ssh(backend_, std::move(session), std::move(way), s, options_.lost_after);
  }

 private:
  void say_what_is_not_followed(const SshSettings& s) const {
    for (const std::string& setting : s.unsupported)
      if (options_.warn) options_.warn(fmt::format("warning: {}: not followed: {}", s.name, setting));
  }

  Handle reach(const SshSettings& s, SshWay& way, int jumps) {
    if (!s.proxy_jump.empty()) return jump(s, way, jumps);
    if (!s.proxy_command.empty()) {
      way.command = std::make_unique<ProxyCommand>(s.proxy_command);
      return way.command->take_socket();
    }
    return connect_tcp({s.host, s.port, static_cast<TcpTarget::Family>(s.family), s.bind_address}, deadline_,
                       cancellation_, [this, jumps] { at(ConnectStage::port, jumps); });
  }

  // Of the host itself, not of those on the way to it.
  void at(ConnectStage stage, int jumps) const {
    if (options_.at && jumps == 0) options_.at(stage);
  }

  // `a,b` leads through a to b, and from there to the host. The hosts before the last replace that host's own
  // ProxyJump, as in ssh(1), -J.
  Handle jump(const SshSettings& s, SshWay& way, int jumps) {
    const auto comma = s.proxy_jump.rfind(',');
    const std::string last = s.proxy_jump.substr(comma == std::string::npos ? 0 : comma + 1);
    SshSettings over = ssh_settings(last, s.config_file);
    if (comma != std::string::npos) {
      over.proxy_jump = s.proxy_jump.substr(0, comma);
      over.proxy_command.clear();
    }
    try {
      way.jump = run(over, jumps + 1);
      auto [ours, theirs] = socket_pair();
      way.jump->forward(std::move(theirs), s.host, s.port);
      return std::move(ours);
    } catch (Error& e) {
      throw e.while_doing(fmt::format("on the way to {}, over {}", s.name, last));
    }
  }

  const ConnectOptions& options_;
  const Cancellation& cancellation_;
  Deadline deadline_;
  SshBackend backend_;
};

}  // namespace

std::unique_ptr<Connection> connect_ssh(const SshSettings& settings, const ConnectOptions& options,
                                        const Cancellation& cancellation) {
  ConnectOptions with = options;
  if (settings.connect_timeout)
    with.timeout =
        std::min<std::chrono::milliseconds>(with.timeout, std::chrono::seconds(*settings.connect_timeout));
  return Connecting(with, cancellation).run(settings);
}

}  // namespace mlops
