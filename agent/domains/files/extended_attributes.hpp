// Extended attributes of an open entry: ACLs and capabilities among them.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>

#include "domains/accounts/owner_names.hpp"
#include "domains/files/grants.hpp"

namespace mlops {

// `self` is the entry's name in /proc/self/fd, as extended attributes have no calls for an O_PATH descriptor.
std::string self_path(int fd);

// All of them, by name. What cannot be read is left out.
std::map<std::string, std::string> read_attributes(const std::string& self);
// Sets these and removes all others. Those that this identity may not set, or that the file system does not
// have, are left out.
void write_attributes(const std::string& self, const std::map<std::string, std::string>& wanted);

// What `attributes` allow beyond the mode; ids of an ACL become names.
Grants grants_of(const std::map<std::string, std::string>& attributes, const OwnerNames& names);

// Gives a new file the attributes of the one that it replaces, but never its capabilities: they were for the
// former content. `keep_acl` is false where the file changes its owner. The ACL never allows more than `mode`.
// An ACL that came from the folder's default is removed.
void inherit_attributes(int from, int to, mode_t mode, bool keep_acl);
// Removes the ACL, a folder's default one too. Error where one stays.
void remove_acl(const std::string& self, const std::string& path);

}  // namespace mlops
