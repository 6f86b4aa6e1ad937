#include "playbook/static_scope.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.hpp"
#include "facts/facts.hpp"

namespace mlops {
namespace {

// The names of a fact's path after those of path; absent if it does not begin with all of them.
std::optional<std::string_view> behind(std::string_view fact, std::span<const std::string> path) {
  for (const std::string& name : path) {
    if (!fact.starts_with(name) || (fact.size() > name.size() && fact[name.size()] != '.')) return {};
    fact.remove_prefix(std::min(name.size() + 1, fact.size()));
  }
  return fact;
}

constexpr std::array<const char*, 6> host_members = {"name", "address", "user", "port", "facts", "resources"};

bool is_list(const FactDoc& doc) { return doc.type.find("list") != std::string::npos; }

std::vector<std::string> fact_names(std::span<const std::string> path) {
  std::vector<std::string> names;
  for (const FactDoc& doc : Facts::docs()) {
    const auto rest = behind(doc.path, path);
    if (!rest || rest->empty()) continue;
    std::string name(rest->substr(0, rest->find('.')));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

bool StaticScope::is_fact(std::span<const std::string> path) {
  for (const FactDoc& doc : Facts::docs()) {
    if (behind(doc.path, path)) return true;
    if (path.size() > 1 && is_list(doc) && behind(doc.path, path.first(path.size() - 1)) == "") return true;
  }
  return false;
}

// path: without the root `hosts`. Host names come from the command line.
bool StaticScope::is_of_host(std::span<const std::string> path) {
  if (path.size() < 2) return true;
  if (path[1] == "resources") return true;  // ids are checked where they are used
  if (path[1] == "facts") return path.size() == 2 || is_fact(path.subspan(2));
  return path.size() == 2 && std::find(host_members.begin(), host_members.end(), path[1]) != host_members.end();
}

std::optional<Value> StaticScope::lookup(const std::vector<std::string>& path) const {
  const auto rest = std::span(path).subspan(1);
  if (path[0] == "resources") throw Unknown{{}, "resources are known when they have been inspected"};
  if (path[0] == "facts" && is_fact(rest)) throw Unknown{{}, "facts are known on the machine"};
  if (path[0] == "hosts" && is_of_host(rest)) throw Unknown{{}, "hosts are known when they have been reached"};
  if (path[0] != "item") return {};
  if (kind_ == Item::unknown) throw Unknown{{}, "item is known on the machine"};
  const Value* found = item_ ? member_at(*item_, rest) : nullptr;
  return found ? std::optional(*found) : std::nullopt;
}

std::vector<std::string> StaticScope::names(const std::vector<std::string>& path) const {
  if (path.empty()) {
    std::vector<std::string> roots{"facts", "resources", "hosts"};
    if (kind_ != Item::none) roots.emplace_back("item");
    return roots;
  }
  const auto rest = std::span(path).subspan(1);
  if (path[0] == "facts") return fact_names(rest);
  if (path[0] == "hosts" && path.size() == 2) return {host_members.begin(), host_members.end()};
  if (path[0] == "hosts" && path.size() > 2 && path[2] == "facts") return fact_names(rest.subspan(2));
  const Value* at = path[0] == "item" && item_ ? member_at(*item_, rest) : nullptr;
  return at ? member_names(*at) : std::vector<std::string>{};
}

}  // namespace mlops
