#include "domains/files/extended_attributes.hpp"

#include <fmt/format.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.hpp"

namespace mlops {
namespace {

constexpr const char* access_acl = "system.posix_acl_access";
constexpr const char* default_acl = "system.posix_acl_default";
constexpr const char* capability = "security.capability";
constexpr std::size_t value_limit = 64u << 10;  // XATTR_SIZE_MAX

template <class Int>
Int number_at(std::string_view bytes, std::size_t at) {  // little-endian, as in both formats
  Int n = 0;
  if (at + sizeof n <= bytes.size()) std::memcpy(&n, bytes.data() + at, sizeof n);
  return n;
}

// ---- ACLs: linux/posix_acl_xattr.h ----

constexpr std::size_t acl_header = 4, acl_entry = 8;
enum Tag : std::uint16_t { user_object = 1, user = 2, group_object = 4, group = 8, mask = 16, others = 32 };

struct AclEntry {
  std::uint16_t tag, rights;
  std::uint32_t id;
};
std::vector<AclEntry> entries_of(std::string_view acl) {
  std::vector<AclEntry> found;
  for (std::size_t at = acl_header; at + acl_entry <= acl.size(); at += acl_entry)
    found.push_back({number_at<std::uint16_t>(acl, at), number_at<std::uint16_t>(acl, at + 2),
                     number_at<std::uint32_t>(acl, at + 4)});
  return found;
}

std::string rights_text(std::uint16_t rights) {
  return fmt::format("{}{}{}", rights & 4 ? 'r' : '-', rights & 2 ? 'w' : '-', rights & 1 ? 'x' : '-');
}

// The entries for named users and groups; of a default ACL also the others, as the mode does not include them.
void add_acl(std::string_view acl, const char* prefix, bool all, const OwnerNames& names, Grants& into) {
  for (const AclEntry& e : entries_of(acl)) {
    const bool named = e.tag == user || e.tag == group;
    if (!named && !all) continue;
    const bool of_user = e.tag == user || e.tag == user_object;
    const char* kind = of_user ? "user" : e.tag == mask ? "mask" : e.tag == others ? "other" : "group";
    const std::string name = !named ? "" : of_user ? names.user(e.id) : names.group(e.id);
    into.acl.push_back(fmt::format("{}{}:{}:{}", prefix, kind, name, rights_text(e.rights)));
  }
}

// The ACL after a chmod(2) with this mode.
void narrow_acl(std::string& acl, mode_t mode) {
  bool masked = false;
  for (const AclEntry& e : entries_of(acl)) masked = masked || e.tag == mask;
  std::size_t at = acl_header;
  for (const AclEntry& e : entries_of(acl)) {
    const bool group_class = e.tag == Tag::mask || (e.tag == group_object && !masked);
    const int shift = e.tag == user_object ? 6 : group_class ? 3 : e.tag == others ? 0 : -1;
    if (shift >= 0) {
      const auto rights = static_cast<std::uint16_t>((mode >> shift) & 7);
      std::memcpy(acl.data() + at + sizeof e.tag, &rights, sizeof rights);
    }
    at += acl_entry;
  }
}

// ---- capabilities: linux/capability.h, struct vfs_cap_data ----

constexpr std::array capability_names{"chown",
                                      "dac_override",
                                      "dac_read_search",
                                      "fowner",
                                      "fsetid",
                                      "kill",
                                      "setgid",
                                      "setuid",
                                      "setpcap",
                                      "linux_immutable",
                                      "net_bind_service",
                                      "net_broadcast",
                                      "net_admin",
                                      "net_raw",
                                      "ipc_lock",
                                      "ipc_owner",
                                      "sys_module",
                                      "sys_rawio",
                                      "sys_chroot",
                                      "sys_ptrace",
                                      "sys_pacct",
                                      "sys_admin",
                                      "sys_boot",
                                      "sys_nice",
                                      "sys_resource",
                                      "sys_time",
                                      "sys_tty_config",
                                      "mknod",
                                      "lease",
                                      "audit_write",
                                      "audit_control",
                                      "setfcap",
                                      "mac_override",
                                      "mac_admin",
                                      "syslog",
                                      "wake_alarm",
                                      "block_suspend",
                                      "audit_read",
                                      "perfmon",
                                      "bpf",
                                      "checkpoint_restore"};

std::string capabilities_text(std::string_view value) {
  constexpr std::uint32_t effective = 1, revision_1 = 0x01000000, revision_mask = 0xff000000;
  const auto magic = number_at<std::uint32_t>(value, 0);
  std::uint64_t permitted = number_at<std::uint32_t>(value, 4),
                inheritable = number_at<std::uint32_t>(value, 8);
  if ((magic & revision_mask) != revision_1) {
    permitted |= std::uint64_t{number_at<std::uint32_t>(value, 12)} << 32;
    inheritable |= std::uint64_t{number_at<std::uint32_t>(value, 16)} << 32;
  }
  std::map<std::string, std::string> by_flags;
  for (unsigned bit = 0; bit < 64; ++bit) {
    const bool p = (permitted >> bit) & 1, i = (inheritable >> bit) & 1;
    if (!p && !i) continue;
    std::string& names =
        by_flags[fmt::format("{}{}{}", magic & effective ? "e" : "", i ? "i" : "", p ? "p" : "")];
    if (!names.empty()) names += ",";
    names += bit < capability_names.size() ? fmt::format("cap_{}", capability_names[bit]) : std::to_string(bit);
  }
  std::string text;
  for (const auto& [flags, names] : by_flags)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", names, flags);
  return text;
}

}  // namespace

std::string self_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

std::map<std::string, std::string> read_attributes(const std::string& self) {
  std::map<std::string, std::string> found;
  const ssize_t room = ::listxattr(self.c_str(), nullptr, 0);
  if (room <= 0) return found;
  std::string names(static_cast<std::size_t>(room), '\0');
  const ssize_t length = ::listxattr(self.c_str(), names.data(), names.size());
  std::string value(value_limit, '\0');
  for (const char* name = names.data(); length > 0 && name < names.data() + length;
       name += std::strlen(name) + 1) {
    const ssize_t size = ::getxattr(self.c_str(), name, value.data(), value.size());
    if (size >= 0) found[name] = value.substr(0, static_cast<std::size_t>(size));
  }
  return found;
}

void write_attributes(const std::string& self, const std::map<std::string, std::string>& wanted) {
  for (const auto& [name, value] : read_attributes(self))
    if (!wanted.contains(name)) static_cast<void>(::removexattr(self.c_str(), name.c_str()));
  for (const auto& [name, value] : wanted)
    static_cast<void>(::setxattr(self.c_str(), name.c_str(), value.data(), value.size(), 0));
}

Grants grants_of(const std::map<std::string, std::string>& attributes, const OwnerNames& names) {
  Grants grants;
  if (const auto found = attributes.find(capability); found != attributes.end())
    grants.capabilities = capabilities_text(found->second);
  if (const auto found = attributes.find(access_acl); found != attributes.end()) {
    add_acl(found->second, "", false, names, grants);
    std::uint16_t own = 7, most = 7;
    for (const AclEntry& e : entries_of(found->second)) {
      if (e.tag == group_object) own = e.rights;
      if (e.tag == mask) most = e.rights;
    }
    grants.acl_group = own & most & 7;
  }
  if (const auto found = attributes.find(default_acl); found != attributes.end())
    add_acl(found->second, "default:", true, names, grants);
  return grants;
}

void inherit_attributes(int from, int to, mode_t mode, bool keep_acl) {
  auto attributes = read_attributes(self_path(from));
  attributes.erase(capability);
  const auto acl = attributes.find(access_acl);
  const bool has_acl = acl != attributes.end() && keep_acl;
  if (has_acl)
    narrow_acl(acl->second, mode);
  else if (acl != attributes.end())
    attributes.erase(acl);
  for (const auto& [name, value] : attributes)
    static_cast<void>(::fsetxattr(to, name.c_str(), value.data(), value.size(), 0));
  if (!has_acl) static_cast<void>(::fremovexattr(to, access_acl));
}

void remove_acl(const std::string& self, const std::string& path) {
  for (const char* name : {access_acl, default_acl})
    if (::removexattr(self.c_str(), name) != 0 && errno != ENODATA && errno != ENOTSUP)
      throw system_error("cannot remove the access list of " + path, errno);
}

}  // namespace mlops
