#include "engine/show.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/run_scope.hpp"
#include "playbook/condition.hpp"
#include "playbook/scopes.hpp"

namespace mlops {
namespace {

// The context of a line: its prefix, and the outputs of that host's resources.
struct Telling {
  std::string name;
  GivenById given;
};

const HostValues* find_host(const std::vector<HostValues>& hosts, const std::string& name) {
  const auto found =
      std::find_if(hosts.begin(), hosts.end(), [&](const HostValues& h) { return h.name == name; });
  return found == hosts.end() ? nullptr : &*found;
}

std::vector<Telling> for_hosts(const std::vector<const HostValues*>& hosts) {
  std::vector<Telling> list;
  for (const HostValues* host : hosts) list.push_back({host->name, host->resources});
  return list;
}

// A repeated resource, as each of its instances; with the outputs of the host that it was repeated for.
std::vector<Telling> for_instances(const HostValues& of, const std::string& id,
                                   const std::vector<HostValues>& hosts) {
  std::vector<Telling> list;
  for (const auto& [key, given] : of.resources.at(id)) {
    Telling& telling = list.emplace_back(Telling{key, {}});
    if (const HostValues* host = find_host(hosts, key)) telling.given = host->resources;
    telling.given[id] = {{"", given}};
  }
  if (list.size() == 1) list.front().name.clear();
  return list;
}

// More than one if the line refers to a resource of several hosts, or to all instances of a repeated one.
std::vector<Telling> tellings(const ShowText& line, const std::vector<HostValues>& hosts) {
  Diagnostics ignored;  // errors in the line are reported when it is filled in
  for (const Reference& reference : references(line.text, ignored)) {
    if (reference.path.size() < 2 || reference.path[0] != "resources") continue;
    const std::string id = (line.include ? line.include->prefix : "") + reference.path[1];
    std::vector<const HostValues*> have;
    for (const HostValues& host : hosts)
      if (host.resources.contains(id)) have.push_back(&host);
    if (have.size() > 1) return for_hosts(have);
    if (have.empty()) continue;
    const auto& instances = have.front()->resources.at(id);
    const bool names_one = reference.path.size() > 2 && instances.contains(reference.path[2]);
    if (!instances.contains("") && !names_one) return for_instances(*have.front(), id, hosts);
  }
  return {{"", {}}};
}

// Whether the conditions of the files that contain the line match.
bool is_included(const Include* include, const Scopes& scopes) {
  return !include || (is_included(include->outer, scopes) &&
                      (include->when.is_null() || evaluate(include->when, scopes.of(include->outer)).matches));
}

}  // namespace

std::vector<ShownLine> show_lines(const Playbook& playbook, const Facts& facts,
                                  const std::vector<HostValues>& hosts, Diagnostics& mistakes) {
  std::vector<ShownLine> lines;
  RunScope values(facts);
  values.set_others(hosts);
  const Scopes scopes(playbook, &values);
  const auto tell = [&](const ShowText& line, const std::string& name) {
    const Scope& scope = scopes.of(line.include);
    try {
      if (!is_included(line.include, scopes)) return;
      if (!line.when.is_null() && !evaluate(line.when, scope).matches) return;
      const Value filled = interpolate(line.text, scope);
      std::string text = playbook.secrets->concealed(filled.to_text());
      lines.push_back({(name.empty() ? "" : name + ": ") + std::move(text), holds_secret(filled)});
    } catch (const Unknown&) {
    } catch (const SkippedReference&) {
    } catch (const InterpolationError& e) {
      mistakes.add(e.diagnostic);
    } catch (const Error& e) {
      mistakes.add(line.text.where, e.what());
    }
  };
  for (const ShowText& line : playbook.show)
    for (Telling& telling : tellings(line, hosts)) {
      values.set_given(std::move(telling.given));
      tell(line, telling.name);
    }
  return lines;
}

}  // namespace mlops
