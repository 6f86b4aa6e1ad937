// The content of a package archive: a .deb file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domains/packages/reader.hpp"

namespace mlops {

// The entries from `dpkg-deb --contents`, in order; those with an escaped name and devices are omitted.
std::vector<PackagedPath> parse_contents(std::string_view output);

// The archive of that package and version in the folder, named as apt does ("NAME_VERSION_ARCHITECTURE.deb",
// with "%3a" for the colon of an epoch); "" if there is none. name may end in ":architecture".
std::string find_archive(const std::string& folder, const std::string& name, const std::string& version);

}  // namespace mlops
