#include "domains/accounts/owner_names.hpp"

#include <charconv>

namespace mlops {
namespace {

std::optional<std::uint32_t> number(const std::string& text) {
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  // The largest number means "leave as it is" to chown(2).
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || n == ~0u) return {};
  return n;
}

}  // namespace

const std::string& OwnerNames::user(uid_t uid) const {
  if (const auto found = users_.find(uid); found != users_.end()) return found->second;
  const auto account = accounts_.user_by_uid(uid);
  return users_.emplace(uid, account ? account->name : std::to_string(uid)).first->second;
}

const std::string& OwnerNames::group(gid_t gid) const {
  if (const auto found = groups_.find(gid); found != groups_.end()) return found->second;
  const auto account = accounts_.group_by_gid(gid);
  return groups_.emplace(gid, account ? account->name : std::to_string(gid)).first->second;
}

std::optional<uid_t> OwnerNames::uid(const std::string& name) const {
  if (const auto found = uids_.find(name); found != uids_.end()) return found->second;
  const auto account = accounts_.user(name);
  if (!account || !account->uid) return number(name);
  return uids_.emplace(name, *account->uid).first->second;
}

std::optional<gid_t> OwnerNames::gid(const std::string& name) const {
  if (const auto found = gids_.find(name); found != gids_.end()) return found->second;
  const auto account = accounts_.group(name);
  if (!account || !account->gid) return number(name);
  return gids_.emplace(name, *account->gid).first->second;
}

void OwnerNames::forget() {
  users_.clear();
  groups_.clear();
  uids_.clear();
  gids_.clear();
}

}  // namespace mlops
