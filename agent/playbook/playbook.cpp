#include "playbook/playbook.hpp"

#include <fmt/format.h>

#include "playbook/checks.hpp"
#include "playbook/condition.hpp"
#include "playbook/document.hpp"
#include "playbook/given_vars.hpp"
#include "playbook/resource_shape.hpp"

namespace mlops {
namespace {

constexpr std::size_t longest_label = 40;  // bytes of the names in a label

// Takes a parsed document apart.
class Reading {
 public:
  Reading(Playbook& playbook, ModuleTable modules, Diagnostics& diagnostics)
      : playbook_(playbook), modules_(modules), diagnostics_(diagnostics) {}

  void read(Value&& document) {
    if (!document.is_object()) {
      diagnostics_.add(document.where,
                       fmt::format("a playbook must be an object, found {}", document.kind_name()));
      return;
    }
    for (Value::Member& member : document.as_object()) read_key(member);
    if (const Value::Member* both = second_of_both(document))
      diagnostics_.add(both->key_where, "`plays` and `resources` cannot stand together",
                       "`resources` is short for a single play");
    else if (!document.find("plays") && !document.find("resources"))
      diagnostics_.add(document.where, "`resources` is missing", "or `plays`, where there are several");
  }

 private:
  static const Value::Member* second_of_both(const Value& document) {
    const Value::Member* first = nullptr;
    for (const Value::Member& member : document.as_object()) {
      if (member.key != "plays" && member.key != "resources") continue;
      if (first) return &member;
      first = &member;
    }
    return nullptr;
  }

  void read_key(Value::Member& member) {
    const std::string& key = member.key;
    Value& value = member.value;
    if (key == "name") {
      playbook_.name = read_text(value, key, diagnostics_);
    } else if (key == "vars") {
      if (value.is_object())
        playbook_.vars = std::move(value);
      else
        must_be(value, key, "an object", diagnostics_);
    } else if (key == "plays") {
      read_plays(value);
    } else if (key == "resources") {
      Play play;
      play.on = {"local"};
      play.where = value.where;
      read_resources(value, play);
      playbook_.plays.push_back(std::move(play));
    } else if (key == "show") {
      read_show(value);
    } else if (key == "$schema") {
      read_text(value, key, diagnostics_);
    } else {
      unknown_key(member, {"name", "vars", "plays", "resources", "show", "$schema"}, diagnostics_);
    }
  }

  void read_show(Value& value) {
    if (!value.is_array()) {
      must_be(value, "show", "a list of texts", diagnostics_);
      return;
    }
    for (Value& line : value.as_array()) {
      if (line.is_string())
        playbook_.show.push_back(std::move(line));
      else
        must_be(line, "show", "a list of texts", diagnostics_);
    }
  }

  void read_plays(Value& value) {
    if (!value.is_array()) {
      must_be(value, "plays", "a list of objects", diagnostics_);
      return;
    }
    for (Value& entry : value.as_array()) {
      if (entry.is_object())
        playbook_.plays.push_back(read_play(entry));
      else
        must_be(entry, "plays", "a list of objects", diagnostics_);
    }
  }

  Play read_play(Value& entry) {
    Play play;
    play.where = entry.where;
    play.on = {"local"};
    for (Value::Member& member : entry.as_object()) {
      if (member.key == "name") {
        play.name = read_text(member.value, member.key, diagnostics_);
      } else if (member.key == "on") {
        read_on(member.value, play);
      } else if (member.key == "when") {
        check_condition(member.value, diagnostics_);
        if (member.value.is_object()) play.when = std::move(member.value);
      } else if (member.key == "resources") {
        read_resources(member.value, play);
      } else {
        unknown_key(member, {"name", "on", "when", "resources"}, diagnostics_);
      }
    }
    if (!entry.find("resources")) diagnostics_.add(entry.where, "`resources` is missing");
    return play;
  }

  void read_on(const Value& value, Play& play) {
    play.on.clear();
    for (const PlacedText& host : read_texts(value, "on", diagnostics_)) {
      if (host.text != "local") diagnostics_.add(host.where, R"(only "local" is supported yet)");
      play.on.push_back(host.text);
    }
  }

  void read_resources(Value& value, Play& play) {
    if (!value.is_array()) {
      must_be(value, "resources", "a list of objects", diagnostics_);
      return;
    }
    play.resources.reserve(value.as_array().size());
    for (Value& entry : value.as_array())
      play.resources.push_back(read_resource(std::move(entry), modules_, diagnostics_));
  }

  Playbook& playbook_;
  ModuleTable modules_;
  Diagnostics& diagnostics_;
};

std::string joined_names(const Value& value) {
  if (!value.is_array()) return value.to_text();
  std::string text;
  for (const Value& name : value.as_array()) {
    const std::string next = name.to_text();
    if (!text.empty() && text.size() + 2 + next.size() > longest_label) return text + ", …";
    text += (text.empty() ? "" : ", ") + next;
  }
  return text;
}

}  // namespace

Playbook load_playbook(const std::string& path, const LoadOptions& options, ModuleTable modules,
                       Diagnostics& diagnostics) {
  Playbook playbook;
  playbook.path = path;
  playbook.vars = Value(Value::Object{});
  const Source* source = read_source(path, playbook, diagnostics);
  auto document = source ? parse_document(*source, diagnostics) : std::nullopt;
  if (document) Reading(playbook, modules, diagnostics).read(*std::move(document));
  apply_vars_files(options.vars_files, playbook, diagnostics);
  if (document) {
    apply_sets(options.sets, playbook, diagnostics);
    check_references(playbook, diagnostics);
    check_parameters(playbook, options.home, diagnostics);
  }
  diagnostics.sort();
  return playbook;
}

std::string label_of(const Resource& resource, const Value& parameters, const std::string& key) {
  std::string label(resource.module ? resource.module->type : "");
  const Value* primary = nullptr;
  if (resource.id.empty() && resource.module) primary = parameters.find(resource.module->schema->primary());
  label += '[';
  label += primary ? joined_names(*primary) : resource.id;
  label += ']';
  if (!key.empty()) label += '[' + key + ']';
  return label;
}

}  // namespace mlops
