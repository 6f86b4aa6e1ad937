#include "resource/ownership.hpp"

#include <cstdint>

namespace mlops {
namespace {

constexpr std::size_t longest_id = 9;  // digits that surely fit 32 bits

std::optional<std::uint32_t> number(const std::optional<std::string>& text) {
  if (!text || text->empty() || text->size() > longest_id) return std::nullopt;
  if (text->find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return static_cast<std::uint32_t>(std::stoul(*text));
}

}  // namespace

void add_owner_claims(const std::optional<std::string>& owner, const std::optional<std::string>& group,
                      Claims& claims) {
  if (owner) claims.push_back({.kind = Claim::Kind::user, .key = *owner, .access = Claim::Access::reads});
  if (group) claims.push_back({.kind = Claim::Kind::group, .key = *group, .access = Claim::Access::reads});
}

std::string owner_as_wanted(const std::optional<std::string>& wanted, const std::string& found,
                            const AccountReader& accounts) {
  const auto uid = wanted == found ? std::nullopt : number(wanted);
  const auto account = uid ? accounts.user_by_uid(*uid) : std::nullopt;
  return account && account->name == found ? *wanted : found;
}

std::string group_as_wanted(const std::optional<std::string>& wanted, const std::string& found,
                            const AccountReader& accounts) {
  const auto gid = wanted == found ? std::nullopt : number(wanted);
  const auto account = gid ? accounts.group_by_gid(*gid) : std::nullopt;
  return account && account->name == found ? *wanted : found;
}

}  // namespace mlops
