#include "engine/run_scope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/error.hpp"

namespace mlops {
namespace {

using Path = std::vector<std::string>;

std::optional<Value> follow(const Value& value, std::span<const std::string> rest) {
  const Value* at = member_at(value, rest);
  return at ? std::optional(*at) : std::nullopt;
}

// path[from] is the id.
std::optional<Value> given_at(const GivenById& all, const Path& path, std::size_t from) {
  if (path.size() <= from) return std::nullopt;
  const auto found = all.find(path[from]);
  if (found == all.end()) return std::nullopt;
  const auto& instances = found->second;
  auto instance = instances.find("");
  ++from;
  if (instance == instances.end() && path.size() > from) instance = instances.find(path[from++]);
  if (instance == instances.end()) return std::nullopt;
  const Given& given = instance->second;
  switch (given.state) {
    case Given::State::skipped:
      throw SkippedReference{given.label, ""};
    case Given::State::failed:
      throw SkippedReference{given.label, given.cause};
    case Given::State::unknown:
      throw Unknown{{given.label}, ""};
    case Given::State::known:
      break;
  }
  for (const std::string& name : given.outputs.unknown)
    if (path.size() > from && path[from] == name) throw Unknown{{given.label}, ""};
  return follow(given.outputs.values, std::span(path).subspan(from));
}

// The values of a host that are known from the start.
Value described(const HostValues& host) {
  Value v{Value::Object{}};
  v.set("name", host.name);
  if (host.address.empty() && (host.lost || !host.waits_for.empty())) return v;
  v.set("address", host.address);
  v.set("user", host.user);
  v.set("port", host.port);
  return v;
}

bool was_not_learned(const HostValues& host, const std::string& member) {
  if (!host.lost && host.waits_for.empty()) return false;
  if (member == "facts") return host.facts.is_null();
  return host.address.empty() && (member == "address" || member == "user" || member == "port");
}

// path[from] is a member of the host.
std::optional<Value> host_at(const HostValues& host, const Path& path, std::size_t from) {
  if (path.size() == from) return described(host);
  if (was_not_learned(host, path[from])) {
    if (!host.waits_for.empty()) throw Unknown{{host.waits_for}, ""};
    throw SkippedReference{host.name, "host " + host.name};
  }
  if (path[from] == "resources") return given_at(host.resources, path, from + 1);
  if (path[from] == "facts")
    return host.facts.is_null() ? std::nullopt : follow(host.facts, std::span(path).subspan(from + 1));
  return follow(described(host), std::span(path).subspan(from));
}

}  // namespace

std::optional<Value> RunScope::lookup(const Path& path) const {
  if (path.empty()) return std::nullopt;
  if (path[0] == "item") return item(path);
  if (path[0] == "facts") return facts_.lookup(std::span(path).subspan(1));
  if (path[0] == "hosts") return host(path);
  return path[0] == "resources" ? resource(path) : std::nullopt;
}

bool RunScope::has(const Path& path) const {
  const bool asks_for_any = path.size() == 1 && path[0] == "hosts";
  return asks_for_any ? any_remote() : lookup(path).has_value();
}

// An item of `for_each: "{{hosts}}"` represents its host: facts and resources are looked up on demand.
std::optional<Value> RunScope::item(const Path& path) const {
  if (!item_) return std::nullopt;
  if (auto found = follow(*item_, std::span(path).subspan(1))) return found;
  if (path.size() < 3 || path[1] != "value") return std::nullopt;
  const Value* key = item_->find("key");
  const HostValues* host = key && key->is_string() ? other(key->as_string()) : nullptr;
  const bool on_demand =
      host && (path[2] == "facts" || path[2] == "resources" || was_not_learned(*host, path[2]));
  return on_demand ? host_at(*host, path, 2) : std::nullopt;
}

std::optional<Value> RunScope::resource(const Path& path) const {
  if (path.size() < 2) return std::nullopt;
  if (given_.contains(path[1])) return given_at(given_, path, 1);
  const HostValues* has = nullptr;
  for (const HostValues& host : others_) {
    if (!host.resources.contains(path[1])) continue;
    if (has)
      throw Error(fmt::format("`{}` ran on several hosts ({} and {}): write hosts.NAME.resources.{}", path[1],
                              has->name, host.name, path[1]));
    has = &host;
  }
  return has ? given_at(has->resources, path, 1) : std::nullopt;
}

std::optional<Value> RunScope::host(const Path& path) const {
  if (!any_remote()) return std::nullopt;
  if (path.size() == 1) {
    Value all{Value::Object{}};
    for (const HostValues& host : others_) {
      if (!host.is_named) throw Unknown{{host.waits_for}, ""};
      if (!host.is_local()) all.set(host.name, described(host));
    }
    return all;
  }
  const HostValues* found = other(path[1]);
  return found ? host_at(*found, path, 2) : std::nullopt;
}

const HostValues* RunScope::other(const std::string& name) const {
  for (const HostValues& host : others_)
    if (host.name == name && !host.is_local()) return &host;
  return nullptr;
}

bool RunScope::any_remote() const {
  return std::any_of(others_.begin(), others_.end(), [](const HostValues& h) { return !h.is_local(); });
}

std::vector<std::string> RunScope::names(const Path& path) const {
  if (path.empty()) {
    std::vector<std::string> roots = {"facts", "resources"};
    if (any_remote()) roots.emplace_back("hosts");
    if (item_) roots.emplace_back("item");
    return roots;
  }
  if (path[0] == "resources" && path.size() == 1) {
    std::vector<std::string> ids;
    for (const auto& [id, instances] : given_) ids.push_back(id);
    return ids;
  }
  if (path[0] == "facts" && path.size() == 1) return member_names(facts_.all());
  if (path[0] == "hosts") return host_names(path);
  const auto value = lookup(path);
  return value && value->is_object() ? member_names(*value) : std::vector<std::string>{};
}

std::vector<std::string> RunScope::host_names(const Path& path) const {
  if (path.size() == 2 && other(path[1])) return {"name", "address", "user", "port", "facts", "resources"};
  const auto value = lookup(path);
  return value ? member_names(*value) : std::vector<std::string>{};
}

void RunScope::set(const std::string& id, const std::string& key, Given given) {
  if (!id.empty()) given_[id][key] = std::move(given);
}
void RunScope::set_outputs(const std::string& id, const std::string& key, const std::string& label,
                           Outputs outputs) {
  set(id, key, {Given::State::known, label, "", std::move(outputs)});
}
void RunScope::set_skipped(const std::string& id, const std::string& key, const std::string& label) {
  set(id, key, {Given::State::skipped, label, "", {}});
}
void RunScope::set_unknown(const std::string& id, const std::string& key, const std::string& label) {
  set(id, key, {Given::State::unknown, label, "", {}});
}
void RunScope::set_failed(const std::string& id, const std::string& key, const std::string& label,
                          const std::string& cause) {
  set(id, key, {Given::State::failed, label, cause, {}});
}

}  // namespace mlops
