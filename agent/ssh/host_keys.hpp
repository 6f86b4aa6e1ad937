// Verifies a host's key against known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

struct HostKey {
  std::string type;    // "ssh-ed25519"
  std::string base64;  // RFC 4253 section 6.6
  bool operator==(const HostKey&) const = default;
};

// A file and its content.
struct KnownHosts {
  std::string path, text;
};

struct HostKeyJudgement {
  enum class Case {
    known,
    fresh,    // no key of this host is known
    changed,  // another key of this host is known
    revoked,
  } what = Case::fresh;
  std::string where;       // FILE:LINE of the deciding entry; "" for fresh
  std::string known_type;  // of the key there
  bool authority = false;  // fresh, and an authority is known for the host: host certificates are not supported
  HostKey known_key = {};  // for changed: the key there
};

// The name of a host in the files: its alias, or the name in lower case, with a port other than 22 as
// [name]:port.
std::string known_hosts_name(const std::string& host, std::uint16_t port, const std::string& alias);

// A revoked key is revoked whatever other entries say; a known key is known even if there are others. A host
// that is known only by keys of other types has changed. Invalid lines are ignored. With a port other than 22,
// a key that is known for the plain name is known.
HostKeyJudgement judge_host_key(const HostKey& shown, const std::string& known_as,
                                const std::vector<KnownHosts>& files);

// One line's entry for a host.
struct KnownHostsEntry {
  HostKey key;
  bool revoked = false, authority = false;  // its marker: @revoked, @cert-authority
  bool alone = false;                       // its name, plain or hashed, is the host's and no other
};

// Absent if the line has no key for that very name, as known_hosts_name() gives it, or is invalid.
std::optional<KnownHostsEntry> known_hosts_entry(std::string_view line, const std::string& known_as);

// The types of the host's known keys, so that the host can be asked for one of them.
std::vector<std::string> known_key_types(const std::string& known_as, const std::vector<KnownHosts>& files);

// `wanted`, with the algorithms of known keys first. Empty if wanted is.
std::vector<std::string> prefer_known(const std::vector<std::string>& wanted,
                                      const std::vector<std::string>& types);

// "SHA256:…", as ssh prints it. "" if the key is not base64.
std::string fingerprint(const HostKey& key);
// "ED25519", as ssh prints it.
std::string short_type(const std::string& type);

// A line for the file, with its newline. salt of 20 bytes: the name is hashed; empty: it is not.
std::string known_hosts_line(const HostKey& key, const std::string& known_as, std::string_view salt);

// Whether a list of public keys, one per line, contains the key (RevokedHostKeys).
bool lists_key(const HostKey& key, std::string_view text);

}  // namespace mlops
