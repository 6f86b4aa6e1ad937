// Facts about this machine, gathered without changing it and without starting a process.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/person.hpp"
#include "model/value.hpp"

namespace mlops {

// One fact's documentation. unit is "" if there is none.
struct FactDoc {
  std::string path, type, unit, source, doc;
};

// Gathers each group (os, arch, kernel, cpu, memory, user, host, init, container) on first use and caches it.
class Facts {
 public:
  explicit Facts(Person person) : person_(std::move(person)) {}
  // The fact or group at a path without the root: {"os", "id"}; absent if there is no such fact.
  std::optional<Value> lookup(std::span<const std::string> path) const;
  // All of them, as an object.
  Value all() const;
  static std::span<const FactDoc> docs();

 private:
  const Value& group(const std::string& name) const;
  Person person_;
  mutable std::map<std::string, Value> groups_;
};

}  // namespace mlops
