#include "playbook/resource_shape.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.hpp"
#include "playbook/condition.hpp"
#include "playbook/interpolation.hpp"

namespace mlops {
namespace {

constexpr std::int64_t most_tries = 1000;

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-';
}

const Module* find_type(const Value& type, ModuleTable modules, Diagnostics& diagnostics) {
  if (!type.is_string()) {
    must_be(type, "type", "a text", diagnostics);
    return nullptr;
  }
  std::vector<std::string> names;
  for (const Module* module : modules) {
    if (module->type == type.as_string()) return module;
    names.emplace_back(module->type);
  }
  std::string hint = did_you_mean(type.as_string(), names);
  if (hint.empty()) hint = fmt::format("the types are {}", fmt::join(names, ", "));
  diagnostics.add(type.where, fmt::format("unknown type `{}`", type.as_string()), std::move(hint));
  return nullptr;
}

// The hint for a resource without `type`.
std::string missing_type(const Value& entry, ModuleTable modules) {
  for (const Value::Member& member : entry.as_object()) {
    if (!nearest(member.key, {"type"}).empty()) return fmt::format("write `type` for `{}`", member.key);
    for (const Module* module : modules)
      if (module->type == member.key) return fmt::format(R"(write {{"type": "{}", …}})", member.key);
  }
  return R"(each resource says what it is, as in {"type": "file", "path": "/etc/motd"})";
}

void read_id(const Value& value, Resource& resource, Diagnostics& diagnostics) {
  resource.id = read_text(value, "id", diagnostics);
  resource.id_where = value.where;
  if (!value.is_string()) return;
  if (resource.id.empty() || !std::all_of(resource.id.begin(), resource.id.end(), is_id_character))
    diagnostics.add(value.where, fmt::format("an id is of letters, digits, `_`, `.` and `-`, found {}",
                                             json_quote(resource.id)));
}

void split(std::vector<PlacedText>&& texts, std::vector<std::string>& into, std::vector<Position>& places) {
  for (PlacedText& text : texts) {
    into.push_back(std::move(text.text));
    places.push_back(text.where);
  }
}

void read_retry(const Value& value, Resource& resource, Diagnostics& diagnostics) {
  if (!value.is_object()) {
    must_be(value, "retry", R"(an object such as {"times": 3, "delay": "5s"})", diagnostics);
    return;
  }
  bool times = false;
  for (const Value::Member& m : value.as_object()) {
    Decoder decoder{diagnostics, "", value.where, false};
    decoder.parameter = m.key;
    Duration delay;
    if (m.key == "times") {
      times = true;
      const bool good = m.value.is_integer() && m.value.as_integer() >= 1 && m.value.as_integer() <= most_tries;
      if (good)
        resource.retry.times = static_cast<std::uint64_t>(m.value.as_integer());
      else
        decoder.must_be(m.value, fmt::format("an integer from 1 to {}", most_tries));
    } else if (m.key == "delay") {
      if (Codec<Duration>::decode(m.value, delay, decoder)) resource.retry.delay_ms = delay.ms;
    } else {
      unknown_key(m, {"times", "delay"}, diagnostics);
    }
  }
  if (!times)
    diagnostics.add(value.where, "`times` is missing", "it is how often it is tried again after a failure");
}

// Processes a key that every resource may have; false if it is not one.
bool take_common(Value::Member& member, Resource& resource, Diagnostics& diagnostics) {
  const std::string& key = member.key;
  Value& value = member.value;
  if (key == "id") {
    read_id(value, resource, diagnostics);
  } else if (key == "when") {
    check_condition(value, diagnostics);
    if (value.is_object()) resource.when = std::move(value);
  } else if (key == "for_each") {
    if (value.is_array() || value.is_object() || (value.is_string() && has_references(value)))
      resource.for_each = std::move(value);
    else
      must_be(value, key, "a list, an object or a reference to one", diagnostics);
  } else if (key == "tags") {
    std::vector<Position> places;
    split(read_texts(value, key, diagnostics), resource.tags, places);
  } else if (key == "as") {
    resource.as = read_text(value, key, diagnostics);
    resource.as_where = value.where;
  } else if (key == "after") {
    split(read_texts(value, key, diagnostics), resource.after, resource.after_where);
  } else if (key == "notify") {
    split(read_texts(value, key, diagnostics), resource.notify, resource.notify_where);
  } else if (key == "retry") {
    read_retry(value, resource, diagnostics);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string folder_beside(const Position& where) {
  if (!where.source) return "";
  return where.source->name.substr(0, where.source->name.rfind('/') + 1);
}

bool must_be(const Value& value, std::string_view key, std::string_view wanted, Diagnostics& diagnostics) {
  diagnostics.add(value.where, fmt::format("`{}` must be {}, found {}", key, wanted, value.kind_name()));
  return false;
}

std::string read_text(const Value& value, std::string_view key, Diagnostics& diagnostics) {
  if (value.is_string()) return value.as_string();
  must_be(value, key, "a text", diagnostics);
  return "";
}

std::vector<PlacedText> read_texts(const Value& value, std::string_view key, Diagnostics& diagnostics) {
  std::vector<PlacedText> texts;
  const auto take = [&](const Value& text) {
    if (!text.is_string())
      must_be(text, key, "a list of texts", diagnostics);
    else if (needs_filling(text))
      diagnostics.add(text.where, fmt::format("`{}` cannot hold `{{{{`: it must be known before a run", key));
    else
      texts.push_back({text.as_string(), text.where});
  };
  if (!value.is_array()) {
    take(value);
  } else {
    for (const Value& element : value.as_array()) take(element);
  }
  return texts;
}

void unknown_key(const Value::Member& member, std::initializer_list<const char*> known,
                 Diagnostics& diagnostics) {
  std::string hint = did_you_mean(member.key, {known.begin(), known.end()});
  if (hint.empty()) hint = fmt::format("the keys are {}", fmt::join(known, ", "));
  diagnostics.add(member.key_where, fmt::format("unknown key `{}`", member.key), std::move(hint));
}

Resource read_resource(Value&& entry, ModuleTable modules, Diagnostics& diagnostics) {
  Resource resource;
  resource.where = entry.where;
  if (!entry.is_object()) {
    diagnostics.add(entry.where, fmt::format("a resource must be an object, found {}", entry.kind_name()));
    return resource;
  }
  Value::Object& members = entry.as_object();
  const Value* type = entry.find("type");
  if (type)
    resource.module = find_type(*type, modules, diagnostics);
  else
    diagnostics.add(entry.where, "`type` is missing", missing_type(entry, modules));
  std::erase_if(members, [&](Value::Member& member) {
    return member.key == "type" || take_common(member, resource, diagnostics);
  });
  resource.needs_filling = needs_filling(entry);
  resource.parameters = std::move(entry);
  return resource;
}

}  // namespace mlops
