// Whether root is to find programs in a folder that may be there only in a plan.
#pragma once

#include <optional>
#include <string>

#include "domains/files/reader.hpp"

namespace mlops {

// distrust_folder(path) of base/trust.hpp, as a reader sees it, an overlay too. Access lists are not looked at: a
// folder that its group may write to, which their mask shows as, is distrusted, root's own as well. Errors and Unknown
// of the reader.
std::optional<std::string> distrust_folder(const FileReader& files, const std::string& path);

}  // namespace mlops
