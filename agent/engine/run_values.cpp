#include "engine/run_values.hpp"

#include <utility>

#include "engine/concealing.hpp"
#include "playbook/condition.hpp"

namespace mlops {
namespace {

// `item` in the scope, for as long as this lives.
class ItemScope {
 public:
  ItemScope(RunScope& scope, const std::optional<Value>& item) : scope_(scope) {
    scope_.set_item(item ? &*item : nullptr);
  }
  ~ItemScope() { scope_.set_item(nullptr); }
  ItemScope(const ItemScope&) = delete;
  ItemScope& operator=(const ItemScope&) = delete;

 private:
  RunScope& scope_;
};

std::optional<std::string> mismatch_of(const Value& when, const Scope& scope) {
  if (when.is_null()) return std::nullopt;
  Verdict verdict = evaluate(when, scope);
  return verdict.matches ? std::nullopt : std::optional(std::move(verdict.reason));
}

}  // namespace

RunValues::RunValues(const Playbook& playbook, const Facts& facts, const Person& person)
    : playbook_(playbook), person_(person), run_scope_(facts), scopes_(playbook, &run_scope_) {}

std::optional<std::string> RunValues::mismatch(const Play& play) const {
  return mismatch_of(play.when, scopes_.of(play.include));
}

std::optional<std::string> RunValues::excluded(const Resource& resource) const {
  std::vector<const Include*> outermost_last;
  for (const Include* include = resource.include; include; include = include->outer)
    if (!include->when.is_null()) outermost_last.push_back(include);
  for (auto include = outermost_last.rbegin(); include != outermost_last.rend(); ++include)
    if (auto reason = mismatch_of((*include)->when, scopes_.of((*include)->outer))) return reason;
  return std::nullopt;
}

std::optional<std::string> RunValues::mismatch(const Element& element) {
  const ItemScope item(run_scope_, element.item);
  return mismatch_of(element.resource->when, scopes_.of(element.resource->include));
}

std::vector<Element> RunValues::elements(std::size_t play, const Resource& resource) const {
  if (resource.for_each.is_null()) return {{play, &resource, "", {}}};
  Diagnostics mistakes;
  const Value over = interpolate(resource.for_each, scopes_.of(resource.include));
  auto items = expand_for_each(over, mistakes);
  if (!mistakes.empty()) throw InterpolationError{mistakes.list().front()};
  std::vector<Element> elements;
  elements.reserve(items.size());
  for (auto& [key, item] : items) elements.push_back({play, &resource, std::move(key), std::move(item)});
  return elements;
}

Instance RunValues::fill(const Element& element) {
  const ItemScope item(run_scope_, element.item);
  const Resource& r = *element.resource;
  Instance i(element);
  if (r.needs_filling) i.filled = interpolate(r.parameters, scopes_.of(r.include));
  i.label = label_of(r, i.parameters(), i.key);
  Diagnostics mistakes;
  Decoder decoder{mistakes, person_.home, r.where, true, playbook_.files};
  decoder.user = person_.name;
  decoder.ssh_config = playbook_.ssh_config;
  i.desired = r.module->decode(i.parameters(), decoder, {});
  if (!mistakes.empty()) throw InterpolationError{mistakes.list().front()};
  i.as = filled_as(r);
  i.claims = r.module->claims(i.desired);
  i.actor = r.module->actor(i.desired);
  return i;
}

std::string RunValues::filled_as(const Resource& r) const {
  if (r.as.empty()) return "";
  Value as(r.as);
  as.where = r.as_where;
  const Value filled = interpolate(as, scopes_.of(r.include));
  if (holds_secret(filled))
    throw InterpolationError{{r.as_where, "`as` cannot hold a secret: it would be visible", "", {}, {}}};
  return filled.to_text();
}

void RunValues::give(const Instance& instance, Outputs outputs) {
  if (instance.resource->id.empty()) return;
  mark_secrets(*playbook_.secrets, outputs);
  run_scope_.set_outputs(instance.resource->id, instance.key, instance.label, std::move(outputs));
}

}  // namespace mlops
