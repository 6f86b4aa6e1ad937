// Key pairs: making one, and the public half of a private key.
#include <libssh/libssh.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "backends/ssh/session.hpp"

using namespace mlops::ssh;

namespace {

struct FreeKey {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

bool fail(mlops_ssh_result& result, mlops_ssh_outcome outcome, const char* message) {
  say(result, outcome, message);
  return false;
}

// "TYPE BASE64", allocated with malloc.
char* public_line(ssh_key key) {
  char* base64 = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK) return nullptr;
  const std::string line = std::string(ssh_key_type_to_char(ssh_key_type(key))) + ' ' + base64;
  ssh_string_free_char(base64);
  return ::strdup(line.c_str());
}

bool read_public(ssh_key key, mlops_ssh_key_pair& into, mlops_ssh_result& result) {
  ssh_key half = nullptr;
  if (ssh_pki_export_privkey_to_pubkey(key, &half) != SSH_OK)
    return fail(result, mlops_ssh_unusable, "it has no public half");
  const Key owned(half);
  into.public_key = public_line(half);
  if (!into.public_key) return fail(result, mlops_ssh_unusable, "its public half cannot be written");
  say(result, mlops_ssh_ok, "");
  return true;
}

int no_passphrase(const char*, char*, size_t, int, int, void*) { return -1; }

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT mlops_ssh_make_key_fn mlops_ssh_make_key;
EXPORT mlops_ssh_public_half_fn mlops_ssh_public_half;
EXPORT mlops_ssh_free_key_pair_fn mlops_ssh_free_key_pair;

void mlops_ssh_make_key(const char* type, int bits, mlops_ssh_key_pair* into, mlops_ssh_result* result) {
  *into = {nullptr, nullptr};
  ssh_key raw = nullptr;
  const ssh_keytypes_e kind = ssh_key_type_from_name(type);
  if (ssh_pki_generate(kind, bits, &raw) != SSH_OK) {
    fail(*result, mlops_ssh_unusable, "libssh cannot make such a key");
    return;
  }
  const Key key(raw);
  if (ssh_pki_export_privkey_base64(raw, nullptr, nullptr, nullptr, &into->private_key) != SSH_OK) {
    fail(*result, mlops_ssh_unusable, "libssh cannot write the key");
    return;
  }
  read_public(raw, *into, *result);
}

void mlops_ssh_public_half(const char* private_key, mlops_ssh_key_pair* into, mlops_ssh_result* result) {
  *into = {nullptr, nullptr};
  ssh_key raw = nullptr;
  if (ssh_pki_import_privkey_base64(private_key, nullptr, no_passphrase, nullptr, &raw) != SSH_OK) {
    fail(*result, mlops_ssh_unusable, "it is no private key that can be read without a passphrase");
    return;
  }
  const Key key(raw);
  read_public(raw, *into, *result);
}

void mlops_ssh_free_key_pair(mlops_ssh_key_pair* pair) {
  if (pair->private_key) ::explicit_bzero(pair->private_key, std::strlen(pair->private_key));
  std::free(pair->private_key);
  std::free(pair->public_key);
  *pair = {nullptr, nullptr};
}
