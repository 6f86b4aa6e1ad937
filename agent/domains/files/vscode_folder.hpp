// The extensions of a VS Code installation, read from its extensions folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domains/files/reader.hpp"

namespace mlops {

struct VscodeExtension {
  std::string id;       // "publisher.name" in lower case: VS Code ignores case
  std::string version;  // "0.102.0"
  friend bool operator==(const VscodeExtension&, const VscodeExtension&) = default;
};

// As listed in extensions.json in the folder; without that file (VS Code before 1.74), from its folders
// "publisher.name-version", except those listed in .obsolete. Empty if there is no folder. Error if a file is
// not in VS Code's format.
std::vector<VscodeExtension> vscode_extensions(const FileReader& files, const std::string& folder);

// In lower case (ASCII), as ids are compared.
std::string lower_case(std::string_view text);

}  // namespace mlops
