#include "engine/claims.hpp"

#include <algorithm>
#include <utility>

#include "domains/files/paths.hpp"

namespace mlops {
namespace {

bool writes(const Claim& claim) { return claim.access != Claim::Access::reads; }

// Whether the failure concerns what is claimed: the same path or object, or a folder above it.
bool needs(const Claim& claim, const Claim& failed) {
  if (claim.kind != failed.kind || !writes(failed)) return false;
  if (claim.kind != Claim::Kind::path) return claim.key == failed.key;
  const bool both_edit = claim.access == Claim::Access::edits && failed.access == Claim::Access::edits;
  return is_within(claim.key, failed.key) && !(both_edit && claim.key == failed.key);
}

bool depends(const Claims& claims, const std::vector<std::string>& after, const Failures::Failed& failed) {
  if (!failed.id.empty() && std::find(after.begin(), after.end(), failed.id) != after.end()) return true;
  return std::any_of(claims.begin(), claims.end(), [&](const Claim& mine) {
    return std::any_of(failed.claims.begin(), failed.claims.end(),
                       [&](const Claim& theirs) { return needs(mine, theirs); });
  });
}

}  // namespace

Claims with_implied(Claims claims, const std::string& as) {
  if (!as.empty()) claims.push_back({Claim::Kind::user, as, Claim::Access::reads, {}, {}, false});
  return claims;
}

std::optional<std::string> Failures::cause(const Claims& claims, const std::vector<std::string>& after,
                                           bool opaque, std::size_t play) const {
  for (const Failed& failed : list_)
    if (depends(claims, after, failed) || (opaque && after.empty() && failed.play == play)) return failed.cause;
  return std::nullopt;
}

std::vector<std::string> Failures::depended_on(const Claims& claims,
                                               const std::vector<std::string>& after) const {
  std::vector<std::string> labels;
  for (const Failed& failed : list_)
    if (depends(claims, after, failed) && std::find(labels.begin(), labels.end(), failed.label) == labels.end())
      labels.push_back(failed.label);
  return labels;
}

std::optional<std::string> Failures::cause_of(const std::string& label) const {
  const auto found =
      std::find_if(list_.begin(), list_.end(), [&](const Failed& f) { return f.label == label; });
  return found == list_.end() ? std::nullopt : std::optional(found->cause);
}

bool Failures::has_id(const std::string& id) const {
  return std::any_of(list_.begin(), list_.end(), [&](const Failed& f) { return f.id == id; });
}

void Written::add(std::size_t place, const std::string& label, const Claims& claims, bool anything) {
  for (ClaimedObject& object : written_objects(claims))
    last_writer_.insert_or_assign(std::move(object), Writer{place, label});
  if (anything) program_ = Writer{place, label};
  any_ = true;
  last_ = std::max(last_, place);
}

std::optional<std::string> Written::later_writer(std::size_t place, const Claims& claims) const {
  const auto by = [&](const ClaimedObject& object) -> std::optional<std::string> {
    const auto found = last_writer_.find(object);
    if (found == last_writer_.end() || found->second.place <= place) return std::nullopt;
    return found->second.label;
  };
  for (const Claim& claim : claims) {
    if (auto label = by(object_of(claim).itself())) return label;
    if (claim.kind != Claim::Kind::path) continue;
    for (std::string_view folder = folder_of(claim.key); folder != "/"; folder = folder_of(folder))
      if (auto label = by({Claim::Kind::path, std::string(folder)})) return label;
  }
  if (program_ && program_->place > place) return program_->label;
  return std::nullopt;
}

}  // namespace mlops
