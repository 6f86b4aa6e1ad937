// The folder that something is to be made in.
#pragma once

#include <string>

#include "base/error.hpp"
#include "domains/files/reader.hpp"

namespace mlops {

// The path's parent folder if it does not exist; "" otherwise.
std::string missing_parent(const std::string& path, const FileReader& files);

// The Error for that, which says what to do.
Error no_parent(const std::string& missing, const std::string& path);

}  // namespace mlops
