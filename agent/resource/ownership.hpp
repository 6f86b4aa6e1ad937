// What types with an owner and a group have in common.
#pragma once

#include <optional>
#include <string>

#include "domains/domains.hpp"
#include "model/claim.hpp"

namespace mlops {

// Adds reads of the owner and the group, if they are given.
void add_owner_claims(const std::optional<std::string>& owner, const std::optional<std::string>& group,
                      Claims& claims);

// The owner that was found, written as it was asked for: a number, if one was given and it is that user's.
std::string owner_as_wanted(const std::optional<std::string>& wanted, const std::string& found,
                            const AccountReader& accounts);
std::string group_as_wanted(const std::optional<std::string>& wanted, const std::string& found,
                            const AccountReader& accounts);

}  // namespace mlops
