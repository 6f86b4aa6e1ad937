// Whether root may run programs from a folder, which may exist only in a plan.
#pragma once

#include <optional>
#include <string>

#include "domains/files/reader.hpp"

namespace mlops {

// distrust_folder(path) of base/trust.hpp, on a reader, which may be an overlay. Access lists are not read: a
// folder writable by its group, which is how an ACL's mask shows, is distrusted, root's own as well. Errors and
// Unknown of the reader.
std::optional<std::string> distrust_folder(const FileReader& files, const std::string& path);

}  // namespace mlops
