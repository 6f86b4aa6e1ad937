#include "ssh/key_pair.hpp"

#include <cstring>

#include "base/error.hpp"
#include "ssh/backend.hpp"

namespace mlops {
namespace {

struct Made {
  explicit Made(const SshBackend& backend) : ssh(backend) {}
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() { ssh.free_key_pair(&pair); }
  const SshBackend& ssh;
  mlops_ssh_key_pair pair{nullptr, nullptr};
  mlops_ssh_result result{};
};

}  // namespace

SshKeyPair::~SshKeyPair() { ::explicit_bzero(private_key.data(), private_key.size()); }

void make_key_pair(const std::string& type, std::uint64_t bits, const std::string& comment, SshKeyPair& into) {
  const SshBackend ssh;
  Made made(ssh);
  ssh.make_key(type.c_str(), static_cast<int>(bits), &made.pair, &made.result);
  if (made.result.outcome != mlops_ssh_ok)
    throw Error("cannot make a key pair: " + std::string(made.result.message));
  into.private_key = made.pair.private_key;
  if (!into.private_key.ends_with('\n')) into.private_key += '\n';
  into.public_line = made.pair.public_key;
  if (!comment.empty()) into.public_line += ' ' + comment;
}

std::optional<std::string> public_half(const std::string& private_key) {
  const SshBackend ssh;
  Made made(ssh);
  ssh.public_half(private_key.c_str(), &made.pair, &made.result);
  if (made.result.outcome != mlops_ssh_ok) return std::nullopt;
  return made.pair.public_key;
}

}  // namespace mlops
