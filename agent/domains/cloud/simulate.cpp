// Reads of and changes to a cloud account in a plan, on its overlay.
#include "domains/cloud/overlay.hpp"
#include "domains/simulation.hpp"

namespace mlops {
namespace {

template <class Query>
typename Query::Result asked(const Query& query, Simulation& s) {
  s.host.need_foresight();
  return query.ask(s.host.overlay<OverlayCloud>());
}

template <class A>
void apply(const A& action, Simulation& s) {
  s.host.overlay<OverlayCloud>().apply(action, s.host.label);
}

}  // namespace

AskCaller::Result simulated(const AskCaller& q, Simulation& s) { return asked(q, s); }
FindKeyPair::Result simulated(const FindKeyPair& q, Simulation& s) { return asked(q, s); }
FindCloudGroup::Result simulated(const FindCloudGroup& q, Simulation& s) { return asked(q, s); }
AskOffer::Result simulated(const AskOffer& q, Simulation& s) { return asked(q, s); }
FindInstances::Result simulated(const FindInstances& q, Simulation& s) { return asked(q, s); }
FindCloudAddress::Result simulated(const FindCloudAddress& q, Simulation& s) { return asked(q, s); }
ListInstances::Result simulated(const ListInstances& q, Simulation& s) { return asked(q, s); }
AskOwnAddress::Result simulated(const AskOwnAddress& q, Simulation& s) { return asked(q, s); }
ReadPublicKey::Result simulated(const ReadPublicKey& q, Simulation& s) { return asked(q, s); }

void simulate(const ImportKeyPair& a, Simulation& s) { apply(a, s); }
void simulate(const DeleteKeyPair& a, Simulation& s) { apply(a, s); }
void simulate(const CreateCloudGroup& a, Simulation& s) { apply(a, s); }
void simulate(const DeleteCloudGroup& a, Simulation& s) { apply(a, s); }
void simulate(const ChangeCloudRules& a, Simulation& s) { apply(a, s); }
void simulate(const LaunchInstance& a, Simulation& s) { apply(a, s); }
void simulate(const PowerInstance& a, Simulation& s) { apply(a, s); }
void simulate(const ModifyInstance& a, Simulation& s) { apply(a, s); }
void simulate(const ChangeCloudAddress& a, Simulation& s) { apply(a, s); }

}  // namespace mlops
