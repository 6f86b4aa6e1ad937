// What is in a package's archive: a .deb file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domains/packages/reader.hpp"

namespace mlops {

// The lines of `dpkg-deb --contents`, in their order; those with an escaped name or of a device are left out.
std::vector<PackagedPath> parse_contents(std::string_view output);

// The archive of that package and version in the folder, as apt names it ("NAME_VERSION_ARCHITECTURE.deb", with "%3a" for
// the colon of an epoch); "" where there is none. name may end in ":architecture".
std::string find_archive(const std::string& folder, const std::string& name, const std::string& version);

}  // namespace mlops
