#include "engine/claim_register.hpp"

#include <utility>

namespace mlops {

ClaimRegister::ClaimRegister(const Playbook& playbook, std::vector<ClaimedObject>* claimed)
    : claimed_(claimed) {
  for (const Play& play : playbook.plays)
    for (const Resource& resource : play.resources)
      compares_ = compares_ || play.on != playbook.plays[0].on || resource.needs_filling ||
                  !resource.for_each.is_null() || !is_unconditional(resource) || !play.when.is_null();
}

void ClaimRegister::add(const Instance& i) {
  if (claimed_)
    for (ClaimedObject& object : written_objects(i.claims)) claimed_->push_back(std::move(object));
  if (!compares_) return;
  const Value& kept = i.filled ? filled_.emplace_back(*i.filled) : i.resource->parameters;
  holders_.push_back({i.label, i.resource->where, i.claims, &kept});
}

void ClaimRegister::check(Diagnostics& mistakes) const {
  if (compares_) check_claims(holders_, mistakes);
}

}  // namespace mlops
