#include "playbook/scopes.hpp"

#include "playbook/playbook.hpp"
#include "playbook/variables.hpp"

namespace mlops {
namespace {

// Maps ids as written in an included file.
class OwnIds : public Scope {
 public:
  OwnIds(const Scope* inner, const std::string& prefix) : inner_(inner), prefix_(prefix) {}

  std::optional<Value> lookup(const std::vector<std::string>& path) const override {
    return inner_ ? inner_->lookup(prefixed(path)) : std::nullopt;
  }
  bool has(const std::vector<std::string>& path) const override {
    return inner_ && inner_->has(prefixed(path));
  }
  std::vector<std::string> names(const std::vector<std::string>& path) const override {
    if (!inner_) return {};
    std::vector<std::string> names = inner_->names(prefixed(path));
    if (path.size() != 1 || path[0] != "resources") return names;
    std::erase_if(names, [&](const std::string& id) { return !id.starts_with(prefix_); });
    for (std::string& id : names) id.erase(0, prefix_.size());
    return names;
  }

 private:
  std::vector<std::string> prefixed(std::vector<std::string> path) const {
    if (path.size() > 1 && path[0] == "resources") path[1].insert(0, prefix_);
    if (path.size() > 3 && path[2] == "resources" && (path[0] == "hosts" || is_item_host(path)))
      path[3].insert(0, prefix_);
    return path;
  }

  // An item of `for_each: "{{hosts}}"` has its host's resources; another item may have a member of that name.
  bool is_item_host(const std::vector<std::string>& path) const {
    return path[0] == "item" && path[1] == "value" && !inner_->has({"item", "value", "resources"});
  }
  const Scope* inner_;
  const std::string& prefix_;
};

}  // namespace

struct Scopes::Included {
  OwnIds ids;
  Variables variables;
  Included(const Playbook& playbook, const Scope* inner, const Include& include, const Scope& outer)
      : ids(inner, include.prefix), variables(playbook, &ids, include, outer) {}
};

Scopes::Scopes(const Playbook& playbook, const Scope* inner)
    : playbook_(playbook), inner_(inner), own_(std::make_unique<Variables>(playbook, inner)) {}
Scopes::~Scopes() = default;

const Scope& Scopes::of(const Include* include) const {
  if (!include) return *own_;
  auto& made = included_[include];
  if (!made) made = std::make_unique<Included>(playbook_, inner_, *include, of(include->outer));
  return made->variables;
}

}  // namespace mlops
