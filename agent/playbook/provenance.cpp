#include "playbook/provenance.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "playbook/condition.hpp"
#include "playbook/interpolation.hpp"
#include "playbook/placeholder.hpp"

namespace mlops {
namespace {

using Kind = ProvenanceStep::Kind;

constexpr std::size_t most_steps = 1000;  // of one parameter

std::string place(const Position& where) {
  if (!where.source) return "";
  return where.line ? fmt::format("{}:{}:{}", where.source->name, where.line, where.column)
                    : where.source->name;
}

class Tracing {
 public:
  Tracing(const Playbook& playbook, const Resource& resource) : playbook_(playbook), resource_(resource) {}

  void trace(const std::string& parameter, const Value& value, Position where) {
    ParameterProvenance& p = all_.emplace_back(ParameterProvenance{parameter, {}});
    steps_ = &p.steps;
    add({Kind::written, "", value.where.source ? value.where : where, to_json(value), 0});
    follow(value, resource_.include, 1);
  }
  void trace_condition(const Value& when, const Include* scope) {
    ParameterProvenance& p = all_.emplace_back(ParameterProvenance{"when", {}});
    steps_ = &p.steps;
    add({Kind::written, "", when.where, to_json(when), 0});
    Diagnostics reported;
    for (const Reference& reference : condition_references(when, reported)) refer(reference, scope, 1);
  }
  std::vector<ParameterProvenance> take() { return std::move(all_); }

 private:
  void add(ProvenanceStep step) { steps_->push_back(std::move(step)); }

  void follow(const Value& value, const Include* scope, std::size_t depth) {
    if (!needs_filling(value)) return;
    Diagnostics reported;
    for (const Reference& reference : references(value, reported)) refer(reference, scope, depth);
  }

  void refer(const Reference& reference, const Include* scope, std::size_t depth) {
    const std::string& root = reference.path[0];
    const std::string name = path_text(reference.path);
    if (root == "vars") return var(reference.path, scope, depth);
    if (root == "secrets") return secret(reference.path, name, depth);
    if (root == "item") {
      add({Kind::item, name, resource_.for_each.where, to_json(resource_.for_each), depth});
      return follow(resource_.for_each, resource_.include, depth + 1);
    }
    if (root == "resources") return other(reference.path, name, scope, depth);
    add({root == "facts" ? Kind::fact : root == "env" ? Kind::environment : Kind::host, name, {}, "", depth});
  }

  void secret(const std::vector<std::string>& path, const std::string& name, std::size_t depth) {
    for (const Secrets::Declared& d : playbook_.secrets->declared())
      if (path.size() > 1 && d.name == path[1]) return add({Kind::secret, name, d.origin.where, "***", depth});
  }

  void other(const std::vector<std::string>& path, const std::string& name, const Include* scope,
             std::size_t depth) {
    const std::string id = (scope ? scope->prefix : "") + (path.size() > 1 ? path[1] : "");
    for (const Play& play : playbook_.plays)
      for (const Resource& r : play.resources)
        if (!r.id.empty() && r.id == id) return add({Kind::resource, name, r.where, "", depth});
  }

  void var(const std::vector<std::string>& path, const Include* scope, std::size_t depth) {
    // The most specific value written there.
    const Value* at = scope ? &scope->vars : &playbook_.vars;
    std::vector<std::string> way;
    for (std::size_t i = 1; i < path.size(); ++i) {
      const Value* next = member_at(*at, std::span(path).subspan(i, 1));
      if (!next) break;
      at = next;
      way.push_back(path[i]);
    }
    // A cycle of vars is reported elsewhere; here it just ends.
    const bool under_way = std::find(open_.begin(), open_.end(), at) != open_.end();
    if (way.empty() || under_way || steps_->size() >= most_steps) return;
    const bool passed =
        scope && std::find(scope->passed.begin(), scope->passed.end(), way[0]) != scope->passed.end();
    // The values that replaced it, or that it is part of, the last first.
    std::vector<const Replaced*> by;
    for (auto r = playbook_.replaced.rbegin(); r != playbook_.replaced.rend(); ++r)
      if (r->include == scope && r->path.size() <= way.size() &&
          std::equal(r->path.begin(), r->path.end(), way.begin()))
        by.push_back(&*r);
    add({by.empty() ? Kind::var : kind_of(by.front()->how), path_text(path), at->where, to_json(*at), depth});
    for (const Replaced* r : by)
      if (r->was.source) add({Kind::replaced, path_text(path), r->was, "", depth});
    open_.push_back(at);
    follow(*at, passed ? scope->outer : scope, depth + 1);
    open_.pop_back();
  }

  static Kind kind_of(Replaced::By how) {
    switch (how) {
      case Replaced::By::include:
        return Kind::passed;
      case Replaced::By::vars_file:
        return Kind::vars_file;
      case Replaced::By::set:
        return Kind::set;
    }
    return Kind::var;
  }

  const Playbook& playbook_;
  const Resource& resource_;
  std::vector<ParameterProvenance> all_;
  std::vector<ProvenanceStep>* steps_ = nullptr;
  std::vector<const Value*> open_;  // vars that are being followed
};

}  // namespace

std::vector<ParameterProvenance> provenance(const Playbook& playbook, const Resource& resource) {
  Tracing tracing(playbook, resource);
  std::vector<const Include*> way;
  for (const Include* include = resource.include; include; include = include->outer) way.push_back(include);
  for (auto include = way.rbegin(); include != way.rend(); ++include)
    if (!(*include)->when.is_null()) tracing.trace_condition((*include)->when, (*include)->outer);
  if (!resource.when.is_null()) tracing.trace_condition(resource.when, resource.include);
  if (!resource.for_each.is_null()) tracing.trace("for_each", resource.for_each, resource.where);
  if (!resource.as.empty()) {
    Value as(resource.as);
    as.where = resource.as_where;
    tracing.trace("as", as, resource.as_where);
  }
  if (resource.parameters.is_object())
    for (const Value::Member& m : resource.parameters.as_object()) tracing.trace(m.key, m.value, m.key_where);
  return tracing.take();
}

std::string to_text(const ProvenanceStep& step) {
  const std::string at = place(step.where);
  switch (step.kind) {
    case Kind::written:
      return fmt::format("{} at {}", step.text, at);
    case Kind::var:
      return fmt::format("{} is {} at {}", step.name, step.text, at);
    case Kind::passed:
      return fmt::format("{} is {}, set by the include at {}", step.name, step.text, at);
    case Kind::vars_file:
      return fmt::format("{} is {}, set by --vars at {}", step.name, step.text, at);
    case Kind::set:
      return fmt::format("{} is {}, set by {}", step.name, step.text, at);
    case Kind::replaced:
      return fmt::format("in the place of {}", at);
    case Kind::secret:
      return fmt::format("{} is ***, read as {} says", step.name, at);
    case Kind::fact:
      return step.name + " is a fact of the machine";
    case Kind::environment:
      return step.name + " is of the environment where the command is typed";
    case Kind::resource:
      return fmt::format("{} is an output of the resource at {}", step.name, at);
    case Kind::host:
      return step.name + " is an output of another machine";
    case Kind::item:
      return fmt::format("{} is of the for_each {} at {}", step.name, step.text, at);
  }
  return "";
}

}  // namespace mlops
