// The domain of cloud accounts, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "domains/cloud/actions.hpp"
#include "domains/cloud/queries.hpp"
#include "domains/cloud/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

// What an action of the cloud replaces.
struct CloudReplaced {
  std::optional<bool> had_cloud_object;      // a key pair, a group, an instance or an address of the name
  std::string replaced_key;                  // the public key of a key pair that is deleted
  std::string group_description;             // of a group that is deleted
  std::vector<CloudRule> cloud_rules;        // of a group, before it is changed or deleted
  std::string instance_power;                // "running", "stopped"; "": it did not exist
  std::string instance_type;                 // of an instance that is modified
  std::vector<std::string> instance_groups;  // likewise
  std::string address_instance;              // that an address was associated with; "": none
  static constexpr auto fields() {
    return std::tuple(field("had_cloud_object", &CloudReplaced::had_cloud_object),
                      field("replaced_key", &CloudReplaced::replaced_key),
                      field("group_description", &CloudReplaced::group_description),
                      field("cloud_rules", &CloudReplaced::cloud_rules),
                      field("instance_power", &CloudReplaced::instance_power),
                      field("instance_type", &CloudReplaced::instance_type),
                      field("instance_groups", &CloudReplaced::instance_groups),
                      field("address_instance", &CloudReplaced::address_instance));
  }
  friend bool operator==(const CloudReplaced&, const CloudReplaced&) = default;
};

struct CloudLocal;  // domains/cloud/local.hpp

struct CloudDomain {
  using Reader = CloudReader;
  using Actions = CloudActions;
  using Queries = CloudQueries;
  using Replaced = CloudReplaced;
  template <class Asker>
  using Asked = AskedCloud<Asker>;
  using Local = CloudLocal;
};

// The state of an object of one of its kinds, as one line; absent for other kinds.
std::optional<std::string> fingerprint(CloudDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine);

// For undo; see domains/undo_parts.hpp.
void capture(const ImportKeyPair&, CaptureBefore&, Before&);
Inverse invert(const ImportKeyPair&, const Before&);
bool satisfied(const ImportKeyPair&, const MachineReader&);
void touch(const ImportKeyPair&, const Before&, Things&);
void capture(const DeleteKeyPair&, CaptureBefore&, Before&);
Inverse invert(const DeleteKeyPair&, const Before&);
bool satisfied(const DeleteKeyPair&, const MachineReader&);
void touch(const DeleteKeyPair&, const Before&, Things&);
void capture(const CreateCloudGroup&, CaptureBefore&, Before&);
Inverse invert(const CreateCloudGroup&, const Before&);
bool satisfied(const CreateCloudGroup&, const MachineReader&);
void touch(const CreateCloudGroup&, const Before&, Things&);
void capture(const DeleteCloudGroup&, CaptureBefore&, Before&);
Inverse invert(const DeleteCloudGroup&, const Before&);
bool satisfied(const DeleteCloudGroup&, const MachineReader&);
void touch(const DeleteCloudGroup&, const Before&, Things&);
void capture(const ChangeCloudRules&, CaptureBefore&, Before&);
Inverse invert(const ChangeCloudRules&, const Before&);
bool satisfied(const ChangeCloudRules&, const MachineReader&);
void touch(const ChangeCloudRules&, const Before&, Things&);
void capture(const LaunchInstance&, CaptureBefore&, Before&);
Inverse invert(const LaunchInstance&, const Before&);
bool satisfied(const LaunchInstance&, const MachineReader&);
void touch(const LaunchInstance&, const Before&, Things&);
void capture(const PowerInstance&, CaptureBefore&, Before&);
Inverse invert(const PowerInstance&, const Before&);
bool satisfied(const PowerInstance&, const MachineReader&);
void touch(const PowerInstance&, const Before&, Things&);
void capture(const ModifyInstance&, CaptureBefore&, Before&);
Inverse invert(const ModifyInstance&, const Before&);
bool satisfied(const ModifyInstance&, const MachineReader&);
void touch(const ModifyInstance&, const Before&, Things&);
void capture(const ChangeCloudAddress&, CaptureBefore&, Before&);
Inverse invert(const ChangeCloudAddress&, const Before&);
bool satisfied(const ChangeCloudAddress&, const MachineReader&);
void touch(const ChangeCloudAddress&, const Before&, Things&);
void add_leftovers(const OneOf<CloudActions> auto&, LeftoverSearch&) {}
const std::string* target_path(const OneOf<CloudActions> auto&) { return nullptr; }

// Records the result of a read, as far as it is not volatile.
void note(const AskCaller&, const AskCaller::Result&, Preconditions&);
void note(const FindKeyPair&, const FindKeyPair::Result&, Preconditions&);
void note(const FindCloudGroup&, const FindCloudGroup::Result&, Preconditions&);
void note(const AskOffer&, const AskOffer::Result&, Preconditions&);
void note(const FindInstances&, const FindInstances::Result&, Preconditions&);
void note(const FindCloudAddress&, const FindCloudAddress::Result&, Preconditions&);
void note(const ListInstances&, const ListInstances::Result&, Preconditions&);
void note(const AskOwnAddress&, const AskOwnAddress::Result&, Preconditions&);
void note(const ReadPublicKey&, const ReadPublicKey::Result&, Preconditions&);

// The result of a read after the simulated actions.
AskCaller::Result simulated(const AskCaller&, Simulation&);
FindKeyPair::Result simulated(const FindKeyPair&, Simulation&);
FindCloudGroup::Result simulated(const FindCloudGroup&, Simulation&);
AskOffer::Result simulated(const AskOffer&, Simulation&);
FindInstances::Result simulated(const FindInstances&, Simulation&);
FindCloudAddress::Result simulated(const FindCloudAddress&, Simulation&);
ListInstances::Result simulated(const ListInstances&, Simulation&);
AskOwnAddress::Result simulated(const AskOwnAddress&, Simulation&);
ReadPublicKey::Result simulated(const ReadPublicKey&, Simulation&);

// Applies the action to the overlay, with the errors that the real account would give as far as they can be
// foreseen.
void simulate(const ImportKeyPair&, Simulation&);
void simulate(const DeleteKeyPair&, Simulation&);
void simulate(const CreateCloudGroup&, Simulation&);
void simulate(const DeleteCloudGroup&, Simulation&);
void simulate(const ChangeCloudRules&, Simulation&);
void simulate(const LaunchInstance&, Simulation&);
void simulate(const PowerInstance&, Simulation&);
void simulate(const ModifyInstance&, Simulation&);
void simulate(const ChangeCloudAddress&, Simulation&);

}  // namespace mlops
