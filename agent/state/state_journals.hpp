// The journals of identities, kept in their state databases.
#pragma once

#include <memory>
#include <string>

#include "machine/journal.hpp"

namespace mlops {

// given: --state; "" for none. See state_folder.
std::unique_ptr<Journals> make_journals(const std::string& given);

}  // namespace mlops
