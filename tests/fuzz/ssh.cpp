// Feeds texts to what reads known_hosts, the output of ssh -G, names of hosts, keys' files and an agent's
// answers.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER …
#include <cstdint>
#include <cstdlib>
#include <string>

#include "../support/replay.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "ssh/host_keys.hpp"
#include "ssh/key_agent.hpp"
#include "ssh/key_text.hpp"
#include "ssh/settings.hpp"

namespace {

using namespace mlops;

void require(bool holds) {
  if (!holds) std::abort();
}

HostKey key_of(const std::string& body) {
  std::string blob;
  put_text(blob, "ssh-ed25519");
  put_text(blob, body);
  return {"ssh-ed25519", to_base64(blob)};
}

// Nothing that stands in a file makes a key known that is not in it, or a revoked one anything but revoked.
void check_known_hosts(const std::string& text) {
  using Case = HostKeyJudgement::Case;
  const HostKey absent = key_of("a key that no corpus has"), box = key_of("box");
  for (const std::string name : {"box", "[box]:2222"}) {
    const HostKeyJudgement j = judge_host_key(absent, name, {{"fuzz", text}});
    require(j.what == Case::fresh || j.what == Case::changed);
    require((j.what == Case::fresh) == j.where.empty());
    const std::string line = box.type + " " + box.base64 + "\n";
    require(judge_host_key(box, name, {{"fuzz", text}, {"more", "@revoked * " + line}}).what == Case::revoked);
    const Case with = judge_host_key(box, name, {{"fuzz", text}, {"more", name + " " + line}}).what;
    require(with == Case::known || with == Case::revoked);
    known_key_types(name, {{"fuzz", text}});
  }
  lists_key(box, text);
}

// An accepted name has no character that a shell or an option parser interprets.
void check_name(const std::string& text) {
  try {
    const SshDestination d = ssh_destination(text);
    require(!d.host.empty() && !d.host.starts_with('-') && !d.user.starts_with('-'));
    require((d.user + d.host).find_first_of("'`\";&<>|(){} \t\r\n") == std::string::npos);
    require(d.port.value_or(1) > 0);
  } catch (const Error& e) {
    require(!e.message().empty());
  }
}

void check_keys(const std::string& text) {
  if (const auto blob = public_key_in(text)) key_type(*blob);
  if (const auto plain = certified_key(text)) {
    require(!key_type(*plain).empty());
    require(key_type(*plain).find("-cert-") == std::string::npos);
  }
  for (const AgentKey& key : agent_keys_in(text)) require(key.blob.size() + key.comment.size() < text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_known_hosts(text);
  check_name(text);
  check_keys(text);
  const SshSurroundings here{"/home/ann", "ann", "desk", 1000, [](const char*) { return "value"; }};
  parse_ssh_settings("box", text, here);
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main(int argc, char** argv) {
  std::string answer("\x0c\0\0\0\1", 5), certificate;
  put_text(answer, "blob");
  put_text(answer, "comment");
  put_text(certificate, "ssh-ed25519-cert-v01@openssh.com");
  put_text(certificate, "nonce");
  put_text(certificate, "key");
  const std::string key = key_of("box").base64;
  return replay(
      argc, argv,
      {"# known\nbox,!bad,*.x ssh-ed25519 " + key + " me\n@revoked * ssh-ed25519 " + key +
           "\n@cert-authority *.y ssh-ed25519 " + key +
           "\n|1|nNhGg5xpZwFGBL38ksN0gednSaE=|XmhWY0pT8wPFcnuERuCnZip6uwU= ssh-ed25519 " + key +
           "\n[box]:2222,b?x ssh-rsa AAAA\n",
       "host box\nuser bob\nhostname box.example.com\nport 2222\nidentityfile ~/%d/${X}/%%\n"
       "proxycommand nc %h %p\nuserknownhostsfile /a /b\nstricthostkeychecking accept-new\nciphers a,b\n",
       "ann@box.example.com:2222", "ssh://ann@[2001:db8::1]:22/",
       "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAA\n"
       "-----END OPENSSH PRIVATE KEY-----\n",
       answer, certificate});
}
#endif
