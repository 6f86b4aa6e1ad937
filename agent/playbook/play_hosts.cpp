#include "playbook/play_hosts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/contains.hpp"
#include "base/error.hpp"
#include "playbook/condition.hpp"
#include "playbook/interpolation.hpp"
#include "playbook/resource_shape.hpp"
#include "playbook/scopes.hpp"
#include "playbook/static_scope.hpp"

namespace mlops {
namespace {

constexpr const char* host_hint = R"("local", a name that ssh knows, or user@host:port)";

std::string prefix_of(const Include* include) { return include ? include->prefix : ""; }

// The ids, with the prefix of their file, of the resources that a value refers to.
std::vector<std::string> ids_in(const std::vector<Reference>& references, const Include* scope) {
  std::vector<std::string> ids;
  for (const Reference& reference : references)
    if (reference.path.size() > 1 && reference.path[0] == "resources")
      ids.push_back(prefix_of(scope) + reference.path[1]);
  return ids;
}

std::vector<std::string> ids_in(const Value& value, const Include* scope) {
  Diagnostics reported;  // by check_references
  return value.is_null() || !has_references(value) ? std::vector<std::string>()
                                                   : ids_in(references(value, reported), scope);
}

// A resource of a play on local.
struct Maker {
  const Resource* resource = nullptr;
  std::size_t play = 0;
  std::string label;  // if it gives a host its name
};

class PlayHosts {
 public:
  PlayHosts(Playbook& playbook, bool on_target, Diagnostics& diagnostics)
      : playbook_(playbook), on_target_(on_target), diagnostics_(diagnostics), scopes_(playbook, &unknown_) {}

  void settle() {
    for (Play& play : playbook_.plays) {
      settle(play);
      if (!on_target_) refuse_accounts_elsewhere(play);
      if (contains(play.on, "local")) note_resources(play);
      for (const std::string& host : play.on) seen_.insert(host);
    }
  }

 private:
  // The person's credentials stay on this machine.
  void refuse_accounts_elsewhere(const Play& play) {
    const auto host =
        std::find_if(play.on.begin(), play.on.end(), [](const auto& on) { return on != "local"; });
    if (host == play.on.end()) return;
    for (const Resource& resource : play.resources)
      if (resource.module && resource.module->account)
        diagnostics_.add(resource.where, on_account_elsewhere(resource, *host), account_hint);
  }

  void settle(Play& play) {
    if (play.on_written.is_null()) return;
    if (!refers_to_resources(play.on_written)) {
      add_known(play, play.on_written);
    } else if (!play.on_written.is_array()) {
      add_awaited(play, play.on_written);
    } else {
      Value known{Value::Array{}};
      known.where = play.on_written.where;
      for (const Value& entry : play.on_written.as_array())
        if (!refers_to_resources(entry)) known.as_array().push_back(entry);
      if (!known.as_array().empty()) add_known(play, known);
      for (const Value& entry : play.on_written.as_array())
        if (refers_to_resources(entry)) add_awaited(play, entry);
    }
  }

  // On a target they only distinguish plays.
  void add_known(Play& play, const Value& written) {
    Value names;
    try {
      names = interpolate(written, scopes_.of(play.on_include));
      if (holds_secret(names)) {
        diagnostics_.add(written.where, "`on` cannot hold a secret: it would be visible");
        return;
      }
    } catch (const Unknown&) {
      if (on_target_)
        play.on.push_back(to_json(written));
      else
        diagnostics_.add(written.where, "`on` must be known before any host is looked at",
                         "it may refer to vars and env that refer to nothing else, and to resources of earlier "
                         "plays on local");
      return;
    } catch (const InterpolationError& e) {
      diagnostics_.add(e.diagnostic);
      return;
    }
    const auto hosts = read_texts(names, "on", diagnostics_);
    if (names.is_array() && hosts.empty()) diagnostics_.add(written.where, "`on` names no host");
    for (const PlacedText& host : hosts) {
      if (const std::string mistake = mistake_in_host(host.text); !mistake.empty())
        diagnostics_.add(host.where.source ? host.where : written.where, mistake, host_hint);
      play.on.push_back(host.text);
      if (!seen_.contains(host.text)) await_introduced(play, host.text);
    }
  }

  void add_awaited(Play& play, const Value& entry) {
    if (!entry.is_string()) {
      must_be(entry, "on", "a text, or a list of texts", diagnostics_);
      return;
    }
    AwaitedHost host;
    host.written = entry;
    host.scope = play.on_include;
    host.name = entry.as_string();
    const std::vector<std::string> ids = ids_in(entry, play.on_include);
    if (play.on_include) host.name += " of " + prefix_of(play.on_include);
    std::vector<const Resource*> made_by;
    for (const std::string& id : ids) {
      const auto found = resources_.find(id);
      if (found == resources_.end()) continue;
      const Resource& resource = *found->second.resource;
      made_by.push_back(&resource);
      host.made_by.push_back(label_of(resource, resource.parameters));
      host.last_maker = std::max(host.last_maker, found->second.play);
    }
    host.needs = needs_of(made_by);
    play.on.push_back(host.name);
    play.awaited.push_back(std::move(host));
  }

  // A host whose name a resource of an earlier play introduces to ssh.
  void await_introduced(Play& play, const std::string& name) {
    const auto found = introduced_.find(name);
    if (found == introduced_.end()) return;
    AwaitedHost host;
    host.name = name;
    host.is_known = true;
    host.made_by = {found->second.label};
    host.needs = needs_of({found->second.resource});
    host.last_maker = found->second.play;
    play.awaited.push_back(std::move(host));
  }

  void note_resources(const Play& play) {
    const auto number = static_cast<std::size_t>(&play - playbook_.plays.data());
    for (const Resource& resource : play.resources) {
      const Maker maker{&resource, number, ""};
      if (!resource.id.empty()) resources_.emplace(resource.id, maker);
      if (!resource.module || !resource.module->names_host) continue;
      if (resource.for_each.is_null())
        note_names(maker, scopes_.of(resource.include), "");
      else
        note_elements(maker);
    }
  }
  void note_elements(const Maker& maker) {
    const Resource& resource = *maker.resource;
    Diagnostics reported;  // by check_parameters
    try {
      const Value over = interpolate(resource.for_each, scopes_.of(resource.include));
      for (const auto& [key, item] : expand_for_each(over, reported)) {
        const StaticScope with_item(StaticScope::Item::known, &item);
        note_names(maker, Scopes(playbook_, &with_item).of(resource.include), key);
      }
    } catch (const Unknown&) {
    } catch (const InterpolationError&) {
    }
  }
  void note_names(const Maker& maker, const Scope& scope, const std::string& key) {
    const Resource& resource = *maker.resource;
    const std::string primary(resource.module->schema->primary());
    const Value* written = resource.parameters.find(primary);
    if (!written) return;
    try {
      Value filled = resource.parameters;
      filled.set(primary, interpolate(*written, scope));
      const Value& name = *filled.find(primary);
      if (name.is_string())
        introduced_[name.as_string()] = {&resource, maker.play, label_of(resource, filled, key)};
    } catch (const Unknown&) {
    } catch (const InterpolationError&) {
    }
  }

  // The labels of the resources that these refer to, and so on.
  std::vector<std::string> needs_of(std::vector<const Resource*> open) const {
    std::vector<std::string> labels;
    std::set<const Resource*> seen(open.begin(), open.end());
    while (!open.empty()) {
      const Resource& resource = *open.back();
      open.pop_back();
      for (const std::string& id : ids_needed(resource)) {
        const auto found = resources_.find(id);
        if (found == resources_.end() || !seen.insert(found->second.resource).second) continue;
        open.push_back(found->second.resource);
        labels.push_back(label_of(*open.back(), open.back()->parameters));
      }
    }
    return labels;
  }
  static std::vector<std::string> ids_needed(const Resource& resource) {
    std::vector<std::string> ids = resource.after;
    Diagnostics reported;  // by check_references
    for (const Value* value : {&resource.parameters, &resource.for_each})
      for (std::string& id : ids_in(*value, resource.include)) ids.push_back(std::move(id));
    if (!resource.when.is_null())
      for (std::string& id : ids_in(condition_references(resource.when, reported), resource.include))
        ids.push_back(std::move(id));
    return ids;
  }

  Playbook& playbook_;
  bool on_target_;
  Diagnostics& diagnostics_;
  StaticScope unknown_;
  Scopes scopes_;
  std::set<std::string> seen_;               // hosts of earlier plays
  std::map<std::string, Maker> resources_;   // of earlier plays on local, by id
  std::map<std::string, Maker> introduced_;  // the same by the name that they give a host
};

}  // namespace

void settle_hosts(Playbook& playbook, bool on_target, Diagnostics& diagnostics) {
  PlayHosts(playbook, on_target, diagnostics).settle();
}

std::string on_account_elsewhere(const Resource& resource, const std::string& host) {
  return fmt::format("`{}` acts on a cloud account from this machine, not on {}", resource.module->type, host);
}

bool refers_to_resources(const Value& entry) {
  if (!has_references(entry)) return false;
  Diagnostics reported;  // by check_references
  const std::vector<Reference> list = references(entry, reported);
  return std::any_of(list.begin(), list.end(), [](const Reference& r) { return r.path[0] == "resources"; });
}

std::string mistake_in_host(const std::string& name) {
  const bool bad = name.empty() || name.front() == '-' || name.find_first_of(" \t\n\r,") != std::string::npos;
  return bad ? fmt::format("`{}` is no name of a host", name) : "";
}

}  // namespace mlops
