// The extensions of a VS Code, read from the folder where it keeps them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domains/files/reader.hpp"

namespace mlops {

struct VscodeExtension {
  std::string id;       // "publisher.name" in lower case: VS Code makes no difference
  std::string version;  // "0.102.0"
  friend bool operator==(const VscodeExtension&, const VscodeExtension&) = default;
};

// As extensions.json in the folder lists them; where there is none (VS Code before 1.74), as its folders
// "publisher.name-version" say, without those that .obsolete lists. None where there is no folder. Error when a
// file is not what VS Code writes.
std::vector<VscodeExtension> vscode_extensions(const FileReader& files, const std::string& folder);

// In lower case (ASCII), as ids are compared.
std::string lower_case(std::string_view text);

}  // namespace mlops
