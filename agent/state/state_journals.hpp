// The identities' journals, kept in their state databases.
#pragma once

#include <memory>
#include <string>

#include "machine/journal.hpp"

namespace mlops {

// See state_folder.
std::unique_ptr<Journals> make_journals(const JournalOptions& options);

}  // namespace mlops
