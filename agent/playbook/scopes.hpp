// The names visible in each file of a playbook.
#pragma once

#include <map>
#include <memory>

#include "playbook/interpolation.hpp"

namespace mlops {

struct Include;
struct Playbook;

// vars, env and secrets of the playbook and of its included files, over one inner scope, in whose `resources`
// an included file sees its own ids. All must outlive it.
class Scopes {
 public:
  Scopes(const Playbook& playbook, const Scope* inner);
  ~Scopes();
  // null: of the playbook itself.
  const Scope& of(const Include* include = nullptr) const;

 private:
  struct Included;
  const Playbook& playbook_;
  const Scope* inner_;
  std::unique_ptr<Scope> own_;
  mutable std::map<const Include*, std::unique_ptr<Included>> included_;
};

}  // namespace mlops
