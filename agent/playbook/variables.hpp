// vars and env as a scope: vars may refer to vars, env and facts, and are filled in on first use.
#pragma once

#include <map>
#include <memory>

#include "playbook/interpolation.hpp"

namespace mlops {

struct Include;
struct Playbook;
class Secrets;

// A scope with the roots vars, env and secrets, and everything that the inner scope has. Both must outlive it.
// env reads this process's environment, or the playbook's replacement for it; an unset variable is an unknown
// name. A cycle of vars is an InterpolationError that names its members.
class Variables : public Scope {
 public:
  Variables(const Value& vars, const Scope* inner,
            const std::map<std::string, std::string>* environment = nullptr);
  Variables(const Playbook& playbook, const Scope* inner);
  // Of an included file: outer is the scope that contains the include.
  Variables(const Playbook& playbook, const Scope* inner, const Include& include, const Scope& outer);
  ~Variables() override;
  std::optional<Value> lookup(const std::vector<std::string>& path) const override;
  bool has(const std::vector<std::string>& path) const override;
  std::vector<std::string> names(const std::vector<std::string>& path) const override;
  void hide(const std::string& derived) const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mlops
