// Extended attributes of an open entry, including ACLs and capabilities.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>

#include "domains/accounts/owner_names.hpp"
#include "domains/files/grants.hpp"

namespace mlops {

// `self` is the entry's name in /proc/self/fd, since there are no extended attribute calls for an O_PATH
// descriptor.
std::string self_path(int fd);

// All of them, by name. Unreadable ones are omitted.
std::map<std::string, std::string> read_attributes(const std::string& self);
// Sets these and removes all others. Those that this identity may not set, or that the file system does not
// support, are skipped.
void write_attributes(const std::string& self, const std::map<std::string, std::string>& wanted);

// The rights in `attributes` beyond the mode; ids of an ACL are translated to names.
Grants grants_of(const std::map<std::string, std::string>& attributes, const OwnerNames& names);

// Copies the replaced file's attributes to the new one, but never its capabilities: they were granted to the
// former content. `keep_acl` is false if the file changes its owner. The ACL never allows more than `mode`. An
// ACL inherited from the folder's default is removed.
void inherit_attributes(int from, int to, mode_t mode, bool keep_acl);
// Removes the ACL, also a folder's default one. Error if one remains.
void remove_acl(const std::string& self, const std::string& path);

}  // namespace mlops
