#include "engine/outputs.hpp"

#include <charconv>
#include <span>

#include "model/error.hpp"

namespace mlops {

std::optional<Value> RunScope::follow(const Value& value, const std::vector<std::string>& path,
                                      std::size_t from) {
  const Value* at = &value;
  for (std::size_t i = from; i < path.size(); ++i) {
    if (at->is_array()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(path[i].data(), path[i].data() + path[i].size(), index);
      if (error != std::errc() || end != path[i].data() + path[i].size() || index >= at->as_array().size())
        return std::nullopt;
      at = &at->as_array()[index];
    } else {
      at = at->find(path[i]);
      if (!at) return std::nullopt;
    }
  }
  return *at;
}

std::optional<Value> RunScope::lookup(const std::vector<std::string>& path) const {
  if (path.empty()) return std::nullopt;
  if (path[0] == "item") return item_ ? follow(*item_, path, 1) : std::nullopt;
  if (path[0] == "facts") return facts_.lookup(std::span(path).subspan(1));
  if (path[0] != "resources" || path.size() < 2) return std::nullopt;
  const auto found = given_.find(path[1]);
  if (found == given_.end()) return std::nullopt;
  const auto& instances = found->second;
  auto instance = instances.find("");
  std::size_t from = 2;
  if (instance == instances.end() && path.size() > 2) {
    instance = instances.find(path[2]);
    from = 3;
  }
  if (instance == instances.end()) return std::nullopt;
  const Given& given = instance->second;
  switch (given.state) {
    case Given::State::skipped:
      throw SkippedReference{given.label};
    case Given::State::unknown:
      throw Unknown{{given.label}, ""};
    case Given::State::known:
      break;
  }
  return follow(given.outputs, path, from);
}

std::vector<std::string> RunScope::names(const std::vector<std::string>& path) const {
  std::vector<std::string> names;
  if (path.empty()) {
    names = {"facts", "resources"};
    if (item_) names.emplace_back("item");
    return names;
  }
  const auto members = [&](const std::optional<Value>& value) {
    if (value && value->is_object())
      for (const auto& member : value->as_object()) names.push_back(member.key);
  };
  if (path[0] == "resources" && path.size() == 1) {
    for (const auto& [id, instances] : given_) names.push_back(id);
  } else if (path[0] == "facts" && path.size() == 1) {
    members(facts_.all());
  } else {
    members(lookup(path));
  }
  return names;
}

void RunScope::set(const std::string& id, const std::string& key, Given given) {
  if (!id.empty()) given_[id][key] = std::move(given);
}
void RunScope::set_outputs(const std::string& id, const std::string& key, const std::string& label,
                           Value outputs) {
  set(id, key, {Given::State::known, label, std::move(outputs)});
}
void RunScope::set_skipped(const std::string& id, const std::string& key, const std::string& label) {
  set(id, key, {Given::State::skipped, label, {}});
}
void RunScope::set_unknown(const std::string& id, const std::string& key, const std::string& label) {
  set(id, key, {Given::State::unknown, label, {}});
}

}  // namespace mlops
