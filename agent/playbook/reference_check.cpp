#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/contains.hpp"
#include "base/error.hpp"
#include "base/suggest.hpp"
#include "playbook/checks.hpp"
#include "playbook/condition.hpp"
#include "playbook/placeholder.hpp"
#include "playbook/scopes.hpp"
#include "playbook/static_scope.hpp"
#include "resource/locator.hpp"

namespace mlops {
namespace {

// A resource's place in the order of the run.
struct Place {
  std::size_t number = 0, play = 0;
  const Resource* resource = nullptr;
};

class ReferenceCheck {
 public:
  ReferenceCheck(const Playbook& playbook, Diagnostics& diagnostics)
      : playbook_(playbook),
        diagnostics_(diagnostics),
        scopes_(playbook, &plain_),
        item_scopes_(playbook, &item_) {}

  void run() {
    collect_ids();
    check_vars(playbook_.vars, nullptr);
    for (const auto& include : playbook_.includes) check_vars(include->vars, include.get());
    std::size_t number = 0;
    for (std::size_t play = 0; play < playbook_.plays.size(); ++play) {
      at_ = {number, play, nullptr};
      check_play(playbook_.plays[play]);
      for (const Resource& resource : playbook_.plays[play].resources) {
        at_ = {number++, play, &resource};
        check_resource(resource);
      }
    }
    at_ = {number, playbook_.plays.size(), nullptr};
    for (const auto& include : playbook_.includes) check_include(include.get());  // those without resources
    for (const ShowText& line : playbook_.show) {
      prefix_ = prefix_of(line.include);
      check_value(line.text, scopes_.of(line.include));
      refuse_secrets(line.text, "show", scopes_.of(line.include));
      check_when(line.when, scopes_.of(line.include));
    }
  }

 private:
  void collect_ids() {
    std::size_t number = 0;
    for (std::size_t play = 0; play < playbook_.plays.size(); ++play) {
      for (const Resource& resource : playbook_.plays[play].resources) {
        const Place place{number++, play, &resource};
        if (resource.id.empty()) continue;
        const auto [found, added] = places_.emplace(resource.id, place);
        if (!added)
          diagnostics_.add({resource.id_where, fmt::format("the id `{}` is used twice", resource.id), "",
                            found->second.resource->id_where, "first used here"});
      }
    }
  }

  void check_vars(const Value& vars, const Include* include) {
    for (const Value::Member& var : vars.as_object()) {
      if (!needs_filling(var.value)) continue;
      const bool passed = include && std::find(include->passed.begin(), include->passed.end(), var.key) !=
                                         include->passed.end();
      const Scope& scope = scopes_.of(passed ? include->outer : include);
      for (const Reference& reference : references(var.value, diagnostics_, locator_))
        check_var_reference(reference, scope);
      try {
        item_scopes_.of(include).lookup({"vars", var.key});  // an item in it has been reported
      } catch (const Unknown&) {
      } catch (const InterpolationError& error) {
        diagnostics_.add(error.diagnostic);
      }
    }
  }

  void check_var_reference(const Reference& reference, const Scope& scope) {
    const std::string& root = reference.path[0];
    if (root == "resources" || root == "item" || root == "hosts")
      diagnostics_.add(reference.where, fmt::format("vars cannot refer to `{}`", reference.path[0]),
                       "they may refer to vars, facts, env and secrets");
    else
      check_name(reference, scope);
  }

  static std::string prefix_of(const Include* include) { return include ? include->prefix : ""; }

  void check_play(const Play& play) {
    check_include(play.include);
    for (const AwaitedHost& host : play.awaited)
      if (!host.is_known) check_on(host);
    prefix_ = prefix_of(play.include);
    check_when(play.when, scopes_.of(play.include));
  }

  // A host that is given by outputs.
  void check_on(const AwaitedHost& host) {
    prefix_ = prefix_of(host.scope);
    for (const Reference& reference : references(host.written, diagnostics_, locator_)) {
      const std::string& root = reference.path[0];
      if (root == "resources")
        check_maker(reference);
      else if (root == "facts" || root == "hosts" || root == "item")
        diagnostics_.add(reference.where, fmt::format("`on` cannot refer to `{}`", root),
                         "it may refer to vars, env, and resources of earlier plays on local");
      else
        check_name(reference, scopes_.of(host.scope));
    }
    refuse_secrets(host.written, "on", scopes_.of(host.scope));
  }

  // On a target, the hosts of other plays need not be known.
  void check_maker(const Reference& reference) {
    const std::size_t before = diagnostics_.size();
    check_resource_name(reference, 0);
    if (diagnostics_.size() > before || !playbook_.withheld.empty()) return;
    const Place& maker = places_.at(prefix_ + reference.path[1]);
    if (!contains(playbook_.plays[maker.play].on, "local"))
      diagnostics_.add(
          {reference.where,
           fmt::format("`{}` is not in a play on local: only such a play can tell where a later one "
                       "runs",
                       reference.path[1]),
           R"(give its play "on": "local")", maker.resource->id_where, "it stands here"});
  }

  // Checks its condition once, after those of the outer includes.
  void check_include(const Include* include) {
    if (!include || !checked_.insert(include).second) return;
    check_include(include->outer);
    prefix_ = prefix_of(include->outer);
    check_when(include->when, scopes_.of(include->outer));
  }

  // The names that are visible everywhere.
  void refuse_secrets(const Value& value, const char* what, const Scope& scope) {
    if (value.is_null() || !needs_filling(value)) return;
    Diagnostics reported;  // mistakes in it
    for (const Reference& reference : references(value, reported, locator_)) {
      try {
        const auto found = scope.lookup(reference.path);
        if (found && holds_secret(*found))
          diagnostics_.add(reference.where,
                           fmt::format("`{}` cannot hold a secret: it would be visible", what));
      } catch (const Unknown&) {
      } catch (const InterpolationError&) {
      }
    }
  }

  void check_resource(const Resource& resource) {
    check_include(resource.include);
    prefix_ = prefix_of(resource.include);
    const Scope& plain = scopes_.of(resource.include);
    const Scope& scope = resource.for_each.is_null() ? plain : item_scopes_.of(resource.include);
    if (resource.needs_filling) check_value(resource.parameters, scope);
    check_value(resource.for_each, plain);
    check_when(resource.when, scope);
    if (!resource.as.empty()) {
      Value as(resource.as);
      as.where = resource.as_where;
      check_value(as, scope);
      refuse_secrets(as, "as", scope);
    }
    for (std::size_t i = 0; i < resource.after.size(); ++i)
      check_after(resource.after[i], resource.after_where[i]);
    for (std::size_t i = 0; i < resource.notify.size(); ++i)
      check_notify(resource.notify[i], resource.notify_where[i]);
  }

  void check_value(const Value& value, const Scope& scope) {
    if (value.is_null() || !needs_filling(value)) return;
    for (const Reference& reference : references(value, diagnostics_, locator_)) check(reference, scope);
  }

  void check_when(const Value& when, const Scope& scope) {
    if (when.is_null()) return;
    for (const Reference& reference : condition_references(when, diagnostics_)) check(reference, scope);
  }

  void check(const Reference& reference, const Scope& scope) {
    if (reference.path[0] == "resources")
      check_resource_name(reference, 0);
    else if (reference.path[0] == "hosts" && reference.path.size() > 2 && reference.path[2] == "resources")
      check_resource_name(reference, 2);
    else
      check_name(reference, scope);
  }

  // default replaces a missing var, environment variable or part of the item; roots and facts are known, so it
  // does not excuse a misspelt one.
  void check_name(const Reference& reference, const Scope& scope) {
    const std::string& root = reference.path[0];
    if (root == "facts" && StaticScope::is_fact(std::span(reference.path).subspan(1))) return;
    const bool may_be_absent = reference.has_default && (root == "vars" || root == "env" || root == "item");
    try {
      if (!scope.lookup(reference.path) && !may_be_absent)
        diagnostics_.add(unknown_name(reference.path, reference.where, scope));
    } catch (const Unknown&) {
    } catch (const InterpolationError&) {
      // A mistake inside vars: reported where it is written.
    }
  }

  // root: where in the path `resources` is.
  void check_resource_name(const Reference& reference, std::size_t root) {
    if (reference.path.size() < root + 2) {
      diagnostics_.add(reference.where, "`resources` wants an id behind it", "write `resources.ID.NAME`");
      return;
    }
    const std::string& id = reference.path[root + 1];
    const Place* target = find(prefix_ + id, reference.where);
    if (!target) return;
    if (target->resource == at_.resource)
      diagnostics_.add(reference.where, fmt::format("`{}` refers to itself", id));
    else if (target->number >= at_.number)
      add_related(reference.where,
                  fmt::format("`{}` comes later: only an earlier resource can be referred to", id), *target);
  }

  void check_after(const std::string& full, Position where) {
    const Place* target = find(full, where);
    const std::string id = as_written(full);
    if (!target) return;
    if (target->resource == at_.resource)
      diagnostics_.add(where, fmt::format("`{}` cannot come after itself", id));
    else if (target->number > at_.number)
      add_related(where, fmt::format("`{}` comes later: resources take effect in the order written", id),
                  *target);
  }

  void check_notify(const std::string& full, Position where) {
    const Place* target = find(full, where);
    const std::string id = as_written(full);
    if (!target) return;
    const Module* module = target->resource->module;
    if (target->resource == at_.resource)
      diagnostics_.add(where, fmt::format("`{}` cannot notify itself", id));
    else if (target->number < at_.number)
      add_related(where, fmt::format("`{}` comes earlier: only a later resource can be notified", id), *target);
    else if (target->play != at_.play)
      add_related(where,
                  fmt::format("`{}` is in another play: only a resource of the same one can be notified", id),
                  *target);
    else if (module && !module->notifiable)
      add_related(where, fmt::format("`{}` is of the type {}, which cannot be notified", id, module->type),
                  *target);
  }

  // Without the prefix of its file.
  std::string as_written(const std::string& id) const {
    return id.starts_with(prefix_) ? id.substr(prefix_.size()) : id;
  }

  const Place* find(const std::string& full, Position where) {
    const auto found = places_.find(full);
    if (found != places_.end()) return &found->second;
    std::vector<std::string> ids;
    for (const auto& [known, place] : places_)
      if (known.starts_with(prefix_)) ids.push_back(as_written(known));
    const std::string id = as_written(full);
    diagnostics_.add(where, fmt::format("there is no resource with the id `{}`", id), did_you_mean(id, ids));
    return nullptr;
  }

  void add_related(Position where, std::string message, const Place& target) {
    diagnostics_.add({where, std::move(message), "", target.resource->id_where, "it stands here"});
  }

  const Playbook& playbook_;
  Diagnostics& diagnostics_;
  Locator locator_;
  StaticScope plain_, item_{StaticScope::Item::unknown};
  Scopes scopes_, item_scopes_;
  std::set<const Include*> checked_;  // whose condition was checked
  std::string prefix_;                // of the ids in the file being checked
  std::unordered_map<std::string, Place> places_;
  Place at_;  // of what is being checked
};

}  // namespace

void check_references(const Playbook& playbook, Diagnostics& diagnostics) {
  ReferenceCheck(playbook, diagnostics).run();
}

}  // namespace mlops
