#include <fcntl.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "backends/ssh/session.hpp"

mlops_ssh_session::~mlops_ssh_session() {
  service.reset();
  if (!session) return;
  const int theirs = ssh_get_fd(session);
  ssh_disconnect(session);
  if (theirs >= 0) ::close(theirs);
  ssh_free(session);
}

namespace mlops::ssh {
namespace {

struct FreeKey {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

bool set(ssh_session session, ssh_options_e option, const char* text) {
  return !text || !*text || ssh_options_set(session, option, text) == SSH_OK;
}

bool set_algorithms(ssh_session session, const mlops_ssh_algorithms& a) {
  if (a.least_rsa_bits > 0) ssh_options_set(session, SSH_OPTIONS_RSA_MIN_SIZE, &a.least_rsa_bits);
  return set(session, SSH_OPTIONS_KEY_EXCHANGE, a.key_exchange) &&
         set(session, SSH_OPTIONS_HOSTKEYS, a.host_keys) && set(session, SSH_OPTIONS_CIPHERS_C_S, a.ciphers) &&
         set(session, SSH_OPTIONS_CIPHERS_S_C, a.ciphers) && set(session, SSH_OPTIONS_HMAC_C_S, a.macs) &&
         set(session, SSH_OPTIONS_HMAC_S_C, a.macs) &&
         set(session, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, a.public_keys) &&
         set(session, SSH_OPTIONS_COMPRESSION, a.compression ? "yes" : "no");
}

// libssh itself reads none of the person's files: settings, keys and trust come from the caller.
bool configure(mlops_ssh_session& s, const char* user, const mlops_ssh_algorithms& algorithms) {
  const bool no = false;
  return ssh_options_set(s.session, SSH_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK &&
         ssh_options_set(s.session, SSH_OPTIONS_USER, user) == SSH_OK &&
         ssh_options_set(s.session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") == SSH_OK &&
         ssh_options_set(s.session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") == SSH_OK &&
         set_algorithms(s.session, algorithms);
}

bool remember_host_key(mlops_ssh_session& s) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(s.session, &raw) != SSH_OK) return false;
  const Key key(raw);
  char* base64 = nullptr;
  if (ssh_pki_export_pubkey_base64(key.get(), &base64) != SSH_OK) return false;
  s.host_key = base64;
  s.host_key_type = ssh_key_type(key.get()) == SSH_KEYTYPE_ECDSA_P256 ||
                            ssh_key_type(key.get()) == SSH_KEYTYPE_ECDSA_P384 ||
                            ssh_key_type(key.get()) == SSH_KEYTYPE_ECDSA_P521
                        ? ssh_pki_key_ecdsa_name(key.get())
                        : ssh_key_type_to_char(ssh_key_type(key.get()));
  ssh_string_free_char(base64);
  return true;
}

}  // namespace

// Text from a host must not move the terminal's cursor.
void copy_words(char* to, std::size_t size, const std::string& words) {
  std::snprintf(to, size, "%s", words.c_str());
  for (char* c = to; *c; ++c)
    if (static_cast<unsigned char>(*c) < ' ' || *c == 0x7f) *c = ' ';
}

void say(mlops_ssh_result& result, mlops_ssh_outcome outcome, const std::string& message) {
  result.outcome = outcome;
  copy_words(result.message, sizeof result.message, message);
}

bool is_lost(ssh_session session) {
  return !ssh_is_connected(session) || (ssh_get_status(session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

bool repeat(mlops_ssh_session& s, const mlops_ssh_patience& patience, mlops_ssh_result& result,
            const std::function<bool()>& again) {
  using Clock = std::chrono::steady_clock;
  Clock::duration left = std::chrono::milliseconds(patience.timeout_ms);
  while (again() && !is_lost(s.session)) {
    if (patience.timeout_ms >= 0 && left <= Clock::duration::zero()) {
      say(result, mlops_ssh_timed_out, "no answer");
      return false;
    }
    const int flags = ssh_get_poll_flags(s.session);
    pollfd fds[2] = {
        {s.socket.get(), static_cast<short>(POLLIN | ((flags & SSH_WRITE_PENDING) ? POLLOUT : 0)), 0},
        {patience.cancel_fd, POLLIN, 0}};
    const auto before = Clock::now();
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    ::poll(fds, 2, patience.timeout_ms < 0 ? -1 : static_cast<int>(milliseconds));
    left -= Clock::now() - before;
    if (fds[1].revents) {
      say(result, mlops_ssh_cancelled, "interrupted");
      return false;
    }
  }
  return true;
}

void shake_hands(mlops_ssh_session& s, const char* user, const mlops_ssh_algorithms& algorithms,
                 const mlops_ssh_patience& patience, mlops_ssh_result& result) {
  if (!s.session || !configure(s, user, algorithms))
    return say(result, mlops_ssh_unusable, s.session ? ssh_get_error(s.session) : "out of memory");
  const int fd = ::fcntl(s.socket.get(), F_DUPFD_CLOEXEC, 3);
  if (fd < 0 || ssh_options_set(s.session, SSH_OPTIONS_FD, &fd) != SSH_OK)
    return say(result, mlops_ssh_unusable, "no descriptor is left");
  ssh_set_blocking(s.session, 0);
  int answer = SSH_ERROR;
  const bool ended = repeat(s, patience, result, [&] {
    answer = ssh_connect(s.session);
    // libssh makes the socket blocking once it is connected; a blocking write would stop everything.
    ::fcntl(s.socket.get(), F_SETFL, O_NONBLOCK);
    return answer == SSH_AGAIN;
  });
  if (!ended) return;
  if (answer != SSH_OK || !remember_host_key(s)) return say(result, mlops_ssh_lost, ssh_get_error(s.session));
  say(result, mlops_ssh_ok, "");
}

}  // namespace mlops::ssh
