#include "model/idle_settings.hpp"

#include "base/error.hpp"
#include "model/document.hpp"

namespace mlops {
namespace {

std::uint64_t whole(const Value& from, const char* key) {
  const Value* v = from.find(key);
  if (!v || !v->is_integer() || v->as_integer() < 0)
    throw Error(std::string(idle_settings_path) + ": `" + key + "` is no whole number");
  return static_cast<std::uint64_t>(v->as_integer());
}

}  // namespace

std::string to_json(const IdleSettings& settings) {
  Value v;
  v.set("after", settings.after);
  v.set("warn", settings.warn);
  v.set("load", settings.load);
  if (settings.jupyter) {
    Value::Array ports;
    for (const std::uint16_t port : *settings.jupyter) ports.emplace_back(static_cast<std::int64_t>(port));
    v.set("jupyter", std::move(ports));
  }
  return to_json(v, 2) + "\n";
}

IdleSettings parse_idle_settings(const std::string& json) {
  const Source source{idle_settings_path, json};
  Diagnostics mistakes;
  const auto value = parse_document(source, mistakes);
  if (!value || !mistakes.empty()) {
    std::string all;
    for (const Diagnostic& one : mistakes.list()) all += to_text(one);
    throw Error(all.empty() ? std::string(idle_settings_path) + " is empty" : all);
  }
  IdleSettings settings{whole(*value, "after"), whole(*value, "warn"), whole(*value, "load"), {}};
  const Value* ports = value->find("jupyter");
  if (!ports) return settings;
  if (!ports->is_array()) throw Error(std::string(idle_settings_path) + ": `jupyter` is no list");
  settings.jupyter.emplace();
  for (const Value& port : ports->as_array()) {
    if (!port.is_integer() || port.as_integer() < 1 || port.as_integer() > 65535)
      throw Error(std::string(idle_settings_path) + ": `jupyter` has what is no port");
    settings.jupyter->push_back(static_cast<std::uint16_t>(port.as_integer()));
  }
  return settings;
}

}  // namespace mlops
