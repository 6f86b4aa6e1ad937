// What can be done in an account of Amazon EC2, as plain values. All act with the credentials of the person.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"
#include "domains/cloud/reader.hpp"

namespace mlops {

// Imports the public half of a private key file, read when it is performed. The name must not be taken by
// another key.
struct ImportKeyPair {
  static constexpr ActionTraits traits{"import_key_pair",     Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  CloudScope scope;
  std::string name, file;  // file: the path of the private key; "": public_key is imported
  std::string public_key;  // OpenSSH's line
  static constexpr auto fields() {
    return std::tuple(field("scope", &ImportKeyPair::scope), field("name", &ImportKeyPair::name),
                      field("file", &ImportKeyPair::file), field("public_key", &ImportKeyPair::public_key));
  }
  friend bool operator==(const ImportKeyPair&, const ImportKeyPair&) = default;
};

// Instances that run keep their keys.
struct DeleteKeyPair {
  static constexpr ActionTraits traits{"delete_key_pair",     Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  CloudScope scope;
  std::string name;
  static constexpr auto fields() {
    return std::tuple(field("scope", &DeleteKeyPair::scope), field("name", &DeleteKeyPair::name));
  }
  friend bool operator==(const DeleteKeyPair&, const DeleteKeyPair&) = default;
};

// Makes a security group that lets nothing in. Of a name that is taken: a success if the group carries our tag.
struct CreateCloudGroup {
  static constexpr ActionTraits traits{"create_cloud_group",  Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  CloudScope scope;
  std::string vpc, name, description;  // vpc: "" for the default one
  static constexpr auto fields() {
    return std::tuple(field("scope", &CreateCloudGroup::scope), field("vpc", &CreateCloudGroup::vpc),
                      field("name", &CreateCloudGroup::name),
                      field("description", &CreateCloudGroup::description));
  }
  friend bool operator==(const CreateCloudGroup&, const CreateCloudGroup&) = default;
};

// Waits while an instance that was just terminated still uses it.
struct DeleteCloudGroup {
  static constexpr ActionTraits traits{"delete_cloud_group",  Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  CloudScope scope;
  std::string vpc, name;
  static constexpr auto fields() {
    return std::tuple(field("scope", &DeleteCloudGroup::scope), field("vpc", &DeleteCloudGroup::vpc),
                      field("name", &DeleteCloudGroup::name));
  }
  friend bool operator==(const DeleteCloudGroup&, const DeleteCloudGroup&) = default;
};

// Changes what a security group lets in. One rule in place of one other is changed in a single call.
struct ChangeCloudRules {
  static constexpr ActionTraits traits{"change_cloud_rules",  Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  CloudScope scope;
  std::string vpc, group;              // group: its name
  std::vector<CloudRule> add, remove;  // by what they let in
  static constexpr auto fields() {
    return std::tuple(field("scope", &ChangeCloudRules::scope), field("vpc", &ChangeCloudRules::vpc),
                      field("group", &ChangeCloudRules::group), field("add", &ChangeCloudRules::add),
                      field("remove", &ChangeCloudRules::remove));
  }
  friend bool operator==(const ChangeCloudRules&, const ChangeCloudRules&) = default;
};

// Launches one instance, exactly one however often it is interrupted and repeated, and waits until it runs and
// has its address. The request as sent, its generation and its token are durable in the person's state folder
// before each call; what was interrupted is sent again with the same body.
struct LaunchInstance {
  static constexpr ActionTraits traits{"launch_instance",     Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  CloudScope scope;
  std::string name;
  InstanceSpec spec;
  static constexpr auto fields() {
    return std::tuple(field("scope", &LaunchInstance::scope), field("name", &LaunchInstance::name),
                      field("spec", &LaunchInstance::spec));
  }
  friend bool operator==(const LaunchInstance&, const LaunchInstance&) = default;
};

// Starts, stops or terminates the instance, and waits until that is done. id "": the one of that name that is
// alive. terminate also ends a launch of that name that was interrupted, whatever it made.
struct PowerInstance {
  static constexpr ActionTraits traits{"power_instance",      Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  enum class Verb { start, stop, terminate };
  friend constexpr auto enumerators(Verb) { return std::array{"start", "stop", "terminate"}; }
  CloudScope scope;
  std::string name, id;
  Verb verb = Verb::start;
  static constexpr auto fields() {
    return std::tuple(field("scope", &PowerInstance::scope), field("name", &PowerInstance::name),
                      field("id", &PowerInstance::id), field("verb", &PowerInstance::verb));
  }
  friend bool operator==(const PowerInstance&, const PowerInstance&) = default;
};

// Changes attributes of an instance; "", 0 and an empty list leave one as it is. Another type needs a stopped
// one.
struct ModifyInstance {
  static constexpr ActionTraits traits{"modify_instance",     Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  CloudScope scope;
  std::string name, id, type;
  std::int64_t disk_gib = 0;  // it never shrinks
  std::string disk_type;
  std::vector<std::string> groups;  // ids: all of them
  CloudTags tags;                   // these are set, others stay
  bool require_tokens = false;      // of the metadata service: IMDSv2
  std::string host_key;             // that known_hosts has for it from now on: "ssh-ed25519 AAAA…"
  static constexpr auto fields() {
    return std::tuple(
        field("scope", &ModifyInstance::scope), field("name", &ModifyInstance::name),
        field("id", &ModifyInstance::id), field("type", &ModifyInstance::type),
        field("disk_gib", &ModifyInstance::disk_gib), field("disk_type", &ModifyInstance::disk_type),
        field("groups", &ModifyInstance::groups), field("tags", &ModifyInstance::tags),
        field("require_tokens", &ModifyInstance::require_tokens), field("host_key", &ModifyInstance::host_key));
  }
  friend bool operator==(const ModifyInstance&, const ModifyInstance&) = default;
};

// An Elastic IP with our tag, or its end. Associated with the instance; "": with none.
struct ChangeCloudAddress {
  static constexpr ActionTraits traits{"change_cloud_address", Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done,  Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  CloudScope scope;
  std::string name, instance;
  bool present = true;  // false: it is released
  static constexpr auto fields() {
    return std::tuple(field("scope", &ChangeCloudAddress::scope), field("name", &ChangeCloudAddress::name),
                      field("instance", &ChangeCloudAddress::instance),
                      field("present", &ChangeCloudAddress::present));
  }
  friend bool operator==(const ChangeCloudAddress&, const ChangeCloudAddress&) = default;
};

using CloudActions =
    TypeList<ImportKeyPair, DeleteKeyPair, CreateCloudGroup, DeleteCloudGroup, ChangeCloudRules, LaunchInstance,
             PowerInstance, ModifyInstance, ChangeCloudAddress>;

}  // namespace mlops
