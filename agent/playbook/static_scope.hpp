// The names that are known before a machine is inspected.
#pragma once

#include <span>

#include "playbook/interpolation.hpp"

namespace mlops {

// facts, resources, hosts and item, for a playbook that is only checked. Names are checked as far as they are
// known: a documented fact, and any member of a resource, throws Unknown; a fact that does not exist is absent.
class StaticScope : public Scope {
 public:
  enum class Item { none, known, unknown };
  // item must outlive the scope; it is null unless its type is known.
  explicit StaticScope(Item kind = Item::none, const Value* item = nullptr) : kind_(kind), item_(item) {}
  std::optional<Value> lookup(const std::vector<std::string>& path) const override;
  std::vector<std::string> names(const std::vector<std::string>& path) const override;

  // Whether {{facts…}} has this path, without the root.
  static bool is_fact(std::span<const std::string> path);
  // Whether {{hosts…}} can have this path, without the root.
  static bool is_of_host(std::span<const std::string> path);

 private:
  Item kind_;
  const Value* item_;
};

}  // namespace mlops
