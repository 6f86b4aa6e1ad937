#include "hosts/target_needs.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "playbook/checks.hpp"
#include "playbook/condition.hpp"
#include "playbook/interpolation.hpp"

namespace mlops {
namespace {

// Follows references through vars, each value once.
class Following {
 public:
  Following(const Playbook& playbook, TargetNeeds& into) : playbook_(playbook), into_(into) {}

  void play(const Play& play) {
    included(play.include);
    condition(play.when, play.include);
    for (const Resource& resource : play.resources) {
      included(resource.include);
      value(resource.parameters, resource.include);
      value(resource.for_each, resource.include);
      condition(resource.when, resource.include);
      value(Value(resource.as), resource.include);
    }
  }

 private:
  void included(const Include* include) {
    for (; include && includes_.insert(include).second; include = include->outer)
      condition(include->when, include->outer);
  }
  void value(const Value& value, const Include* scope) {
    Diagnostics reported;  // mistakes are ignored: the playbook was checked before
    if (!value.is_null() && has_references(value)) follow(references(value, reported), scope);
  }
  void condition(const Value& when, const Include* scope) {
    Diagnostics reported;
    if (!when.is_null()) follow(condition_references(when, reported), scope);
  }

  void follow(const std::vector<Reference>& references, const Include* scope) {
    for (const Reference& reference : references) {
      const std::vector<std::string>& path = reference.path;
      if (path.empty()) continue;
      if (path[0] == "vars") variable(std::span(path).subspan(1), scope);
      if (path[0] == "env" && path.size() > 1) into_.environment.insert(path[1]);
      if (path[0] != "secrets") continue;
      for (const Secrets::Declared& d : playbook_.secrets->declared())
        if (path.size() == 1 || d.name == path[1]) into_.secrets.insert(d.name);
    }
  }

  // As Variables looks it up: the most specific value given, in the scope in which it was given.
  void variable(std::span<const std::string> rest, const Include* scope) {
    const Value* at = scope ? &scope->vars : &playbook_.vars;
    if (scope && !rest.empty() &&
        std::find(scope->passed.begin(), scope->passed.end(), rest[0]) != scope->passed.end())
      scope = scope->outer;
    for (; !rest.empty() && !at->is_string(); rest = rest.subspan(1)) {
      at = member_at(*at, rest.first(1));
      if (!at) return;
    }
    if (followed_.insert({at, scope}).second) value(*at, scope);
  }

  const Playbook& playbook_;
  TargetNeeds& into_;
  std::set<const Include*> includes_;
  std::set<std::pair<const Value*, const Include*>> followed_;
};

}  // namespace

TargetNeeds needs_of(const Playbook& playbook, const std::vector<std::size_t>& plays, const std::string& home) {
  TargetNeeds needs;
  Following following(playbook, needs);
  for (const std::size_t play : plays) following.play(playbook.plays.at(play));
  needs.files = files_named(playbook, plays, home);
  return needs;
}

}  // namespace mlops
