// One resource as a run works on it, with all values filled in.
#pragma once

#include <any>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/person.hpp"
#include "engine/notifications.hpp"
#include "machine/journal.hpp"
#include "model/claim.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

// A resource of a play or, if it has a for_each, one element of that.
struct Element {
  std::size_t play = 0;                // its place in the playbook
  const Resource* resource = nullptr;  // borrowed from the playbook
  std::string key;                     // of the for_each; "" without one
  std::optional<Value> item;
};

struct Instance : Element {
  Instance() = default;
  explicit Instance(Element element) : Element(std::move(element)) {}

  std::string label, as;
  std::any desired;             // empty until values are filled in
  std::optional<Value> filled;  // the parameters; absent: those of the resource are used as they are
  Claims claims;
  Claims real_claims;  // the claims of paths that go through links, under the resolved path
  Actor actor;
  Identity identity;
  bool identity_is_assumed = false;  // the user to run as is not known yet
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::chrono::system_clock::time_point began = std::chrono::system_clock::now();
  std::optional<Notification> notified;
  std::vector<StepName> interrupted;  // its steps that earlier runs did not finish
  bool untrusted = false;             // a program was interrupted or failed: its results are not trusted
  Interruption interruption;          // of the earliest of `interrupted`
  std::vector<Change> recovered;      // what recovery changed
  std::string note;                   // see ResourceFinished

  const Value& parameters() const { return filled ? *filled : resource->parameters; }
};

// Before values are filled in: with the label as declared.
inline Instance unfilled(const Element& element) {
  Instance instance(element);
  instance.label = label_of(*element.resource, element.resource->parameters, element.key);
  return instance;
}

}  // namespace mlops
