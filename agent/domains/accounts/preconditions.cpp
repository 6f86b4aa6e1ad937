// How the reads of accounts are recorded in a plan.
#include <fmt/format.h>

#include "domains/accounts/domain.hpp"

namespace mlops {
namespace {

std::string text_of(const std::optional<UserAccount>& u) {
  if (!u) return "absent";
  return fmt::format("user {} {} `{}` {} {} in {}", u->uid ? std::to_string(*u->uid) : "", u->group, u->comment,
                     u->home, u->shell, fmt::join(u->groups, " "));
}
std::string text_of(const std::optional<GroupAccount>& g) {
  if (!g) return "absent";
  return fmt::format("group {} of {}", g->gid ? std::to_string(*g->gid) : "", fmt::join(g->members, " "));
}

}  // namespace

void note(const ReadUser& q, const ReadUser::Result& found, Preconditions& p) {
  p["user " + q.name] = text_of(found);
}
void note(const ReadGroup& q, const ReadGroup::Result& found, Preconditions& p) {
  p["group " + q.name] = text_of(found);
}
void note(const ReadUserById& q, const ReadUserById::Result& found, Preconditions& p) {
  p[fmt::format("uid {}", q.uid)] = text_of(found);
}
void note(const ReadGroupById& q, const ReadGroupById::Result& found, Preconditions& p) {
  p[fmt::format("gid {}", q.gid)] = text_of(found);
}

}  // namespace mlops
