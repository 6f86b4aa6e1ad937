// Authentication attempts, on the connecting thread.
#include <libssh/libssh.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "backends/ssh/session.hpp"

using namespace mlops::ssh;

namespace {

struct FreeKey {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

Key read_private(const mlops_ssh_key& key) {
  ssh_key raw = nullptr;
  if (ssh_pki_import_privkey_file(key.path, key.passphrase ? key.passphrase : "", nullptr, nullptr, &raw) !=
      SSH_OK)
    return nullptr;
  return Key(raw);
}

Key read_public(const std::string& path) {
  ssh_key raw = nullptr;
  if (ssh_pki_import_pubkey_file(path.c_str(), &raw) != SSH_OK) return nullptr;
  return Key(raw);
}

Key read_certificate(const char* path) {
  ssh_key raw = nullptr;
  if (ssh_pki_import_cert_file(path, &raw) != SSH_OK) return nullptr;
  return Key(raw);
}

// One authentication attempt, until the host has responded.
template <class Step>
void attempt(mlops_ssh_session& s, const mlops_ssh_patience& patience, mlops_ssh_result& result, Step step) {
  int answer = SSH_AUTH_ERROR;
  if (!repeat(s, patience, result, [&] { return (answer = step()) == SSH_AUTH_AGAIN; })) return;
  switch (answer) {
    case SSH_AUTH_SUCCESS:
      return say(result, mlops_ssh_ok, "");
    case SSH_AUTH_PARTIAL:
      return say(result, mlops_ssh_partial, "");
    case SSH_AUTH_DENIED:
      return say(result, mlops_ssh_denied, ssh_get_error(s.session));
    default:
      // A failure of the controller, such as of a signature, leaves the connection intact; libssh reports it as
      // out of memory.
      return is_lost(s.session) ? say(result, mlops_ssh_lost, ssh_get_error(s.session))
                                : say(result, mlops_ssh_unusable, "it did not sign");
  }
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT mlops_ssh_get_methods_fn mlops_ssh_get_methods;
EXPORT mlops_ssh_try_none_fn mlops_ssh_try_none;
EXPORT mlops_ssh_try_key_fn mlops_ssh_try_key;
EXPORT mlops_ssh_use_agent_fn mlops_ssh_use_agent;
EXPORT mlops_ssh_try_agent_fn mlops_ssh_try_agent;
EXPORT mlops_ssh_try_password_fn mlops_ssh_try_password;
EXPORT mlops_ssh_try_interactive_fn mlops_ssh_try_interactive;
EXPORT mlops_ssh_get_banner_fn mlops_ssh_get_banner;

unsigned mlops_ssh_get_methods(mlops_ssh_session* session) {
  const auto methods = static_cast<unsigned>(ssh_userauth_list(session->session, nullptr));
  unsigned known = 0;
  if (methods & SSH_AUTH_METHOD_PUBLICKEY) known |= mlops_ssh_public_key;
  if (methods & SSH_AUTH_METHOD_PASSWORD) known |= mlops_ssh_password;
  if (methods & SSH_AUTH_METHOD_INTERACTIVE) known |= mlops_ssh_interactive;
  return known;
}

void mlops_ssh_try_none(mlops_ssh_session* session, const mlops_ssh_patience* patience,
                        mlops_ssh_result* result) {
  attempt(*session, *patience, *result, [&] { return ssh_userauth_none(session->session, nullptr); });
}

void mlops_ssh_try_key(mlops_ssh_session* session, const mlops_ssh_key* key, const mlops_ssh_patience* patience,
                       mlops_ssh_result* result) {
  const std::string path = key->path;
  const Key certificate = key->certificate ? read_certificate(key->certificate) : nullptr;
  if (key->certificate && !certificate)
    return say(*result, mlops_ssh_unusable, std::string("cannot read the certificate ") + key->certificate);
  const Key whole = read_private(*key);
  if (whole) {
    if (certificate && ssh_pki_copy_cert_to_privkey(certificate.get(), whole.get()) != SSH_OK)
      return say(*result, mlops_ssh_unusable,
                 std::string("the certificate is of another key: ") + key->certificate);
    return attempt(*session, *patience, *result,
                   [&] { return ssh_userauth_publickey(session->session, nullptr, whole.get()); });
  }
  if (key->passphrase) return say(*result, mlops_ssh_locked, "the passphrase is wrong");
  Key half = read_public(path);
  if (!half) half = read_public(path + ".pub");
  if (!half) return say(*result, mlops_ssh_unusable, "cannot read the key " + path);
  const ssh_key offered = certificate ? certificate.get() : half.get();
  attempt(*session, *patience, *result,
          [&] { return ssh_userauth_try_publickey(session->session, nullptr, offered); });
  if (result->outcome == mlops_ssh_ok) say(*result, mlops_ssh_locked, "the key has a passphrase");
}

void mlops_ssh_use_agent(mlops_ssh_session* session, int agent_fd) {
  ssh_set_agent_socket(session->session, agent_fd);
}

void mlops_ssh_try_agent(mlops_ssh_session* session, const mlops_ssh_patience* patience,
                         mlops_ssh_result* result) {
  attempt(*session, *patience, *result, [&] { return ssh_userauth_agent(session->session, nullptr); });
}

void mlops_ssh_try_password(mlops_ssh_session* session, const char* password,
                            const mlops_ssh_patience* patience, mlops_ssh_result* result) {
  attempt(*session, *patience, *result,
          [&] { return ssh_userauth_password(session->session, nullptr, password); });
}

void mlops_ssh_try_interactive(mlops_ssh_session* session, const mlops_ssh_prompter* prompter,
                               const mlops_ssh_patience* patience, mlops_ssh_result* result) {
  const ssh_session s = session->session;
  for (;;) {
    int answer = SSH_AUTH_ERROR;
    if (!repeat(*session, *patience, *result,
                [&] { return (answer = ssh_userauth_kbdint(s, nullptr, nullptr)) == SSH_AUTH_AGAIN; }))
      return;
    if (answer != SSH_AUTH_INFO) return attempt(*session, *patience, *result, [&] { return answer; });
    const int prompts = ssh_userauth_kbdint_getnprompts(s);
    for (int i = 0; i < prompts; ++i) {
      char echo = 0;
      const char* prompt = ssh_userauth_kbdint_getprompt(s, static_cast<unsigned>(i), &echo);
      char* text = prompter->answer(prompter->context, ssh_userauth_kbdint_getname(s),
                                    ssh_userauth_kbdint_getinstruction(s), prompt, echo);
      if (!text) return say(*result, mlops_ssh_unusable, "not answered");
      ssh_userauth_kbdint_setanswer(s, static_cast<unsigned>(i), text);
      explicit_bzero(text, std::strlen(text));
      std::free(text);
    }
  }
}

const char* mlops_ssh_get_banner(mlops_ssh_session* session) {
  if (char* banner = ssh_get_issue_banner(session->session)) {
    session->banner = banner;
    ssh_string_free_char(banner);
  }
  return session->banner.c_str();
}
