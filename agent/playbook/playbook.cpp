#include "playbook/playbook.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "model/document.hpp"
#include "playbook/checks.hpp"
#include "playbook/given_vars.hpp"
#include "playbook/play_hosts.hpp"
#include "playbook/play_list.hpp"
#include "playbook/resource_shape.hpp"

namespace mlops {
namespace {

constexpr std::size_t longest_label = 40;  // bytes of the names in a label

// Converts a parsed document.
class Reading {
 public:
  Reading(Playbook& playbook, const std::string& home, ModuleTable modules, Diagnostics& diagnostics)
      : playbook_(playbook), home_(home), list_(playbook, modules, diagnostics), diagnostics_(diagnostics) {}

  void read(Value&& document) {
    if (!document.is_object()) {
      diagnostics_.add(document.where,
                       fmt::format("a playbook must be an object, found {}", document.kind_name()),
                       document.is_array() ? R"(write {"resources": […]})" : "");
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
    } else if (key == "secrets") {
      read_secrets(value, folder_beside(value.where), home_, *playbook_.secrets, diagnostics_);
    } else if (key == "plays") {
      list_.read_plays(value);
    } else if (key == "resources") {
      list_.read_resources(value);
    } else if (key == "show") {
      list_.read_show(value);
    } else if (key == "$schema") {
      read_text(value, key, diagnostics_);
    } else {
      unknown_key(member, {"name", "vars", "secrets", "plays", "resources", "show", "$schema"}, diagnostics_);
    }
  }

  Playbook& playbook_;
  const std::string& home_;
  PlayList list_;
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

// The first line of a script that does something, shortened to fit a label.
std::string first_words(std::string_view script) {
  constexpr std::string_view blanks = " \t\r\n";
  while (!script.empty()) {
    const std::size_t end = std::min(script.find('\n'), script.size());
    std::string_view line = script.substr(0, end);
    script.remove_prefix(std::min(end + 1, script.size()));
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    line = line.substr(0, line.find_last_not_of(blanks) + 1);
    if (line.empty() || line.front() == '#') continue;
    const bool more = script.find_first_not_of(blanks) != script.npos;
    std::string words(line);
    if (words.size() > longest_label) {
      const std::size_t blank = words.rfind(' ', longest_label);
      words = cut(std::move(words), longest_label);
      if (blank != words.npos && blank >= longest_label / 2) words = words.substr(0, blank) + " …";
    } else if (more) {
      words += " …";
    }
    return words;
  }
  return "";
}

}  // namespace

Playbook load_playbook(const std::string& path, const LoadOptions& options, ModuleTable modules,
                       Diagnostics& diagnostics) {
  Playbook playbook;
  playbook.path = path;
  playbook.files = options.files;
  playbook.environment = options.environment;
  playbook.withheld = options.withheld;
  playbook.ssh_config = options.ssh_config;
  playbook.vars = Value(Value::Object{});
  const Source* source = read_source(path, playbook, diagnostics);
  auto document = source ? parse_document(*source, diagnostics) : std::nullopt;
  const bool parsed = document.has_value();
  if (parsed) Reading(playbook, options.home, modules, diagnostics).read(*std::move(document));
  apply_vars_files(options.vars_files, playbook, diagnostics);
  if (parsed) {
    apply_sets(options.sets, playbook, diagnostics);
    settle_hosts(playbook, !options.withheld.empty(), diagnostics);
    check_references(playbook, diagnostics);
    check_parameters(playbook, options.home, diagnostics);
  }
  diagnostics.sort();
  return playbook;
}

Playbook playbook_of(const std::string& name, Value::Array resources, const std::string& home,
                     ModuleTable modules, Diagnostics& diagnostics) {
  Playbook playbook;
  playbook.path = name;
  playbook.files = &files_on_disk();
  playbook.vars = Value(Value::Object{});
  Play& play = playbook.plays.emplace_back();
  for (Value& entry : resources) {
    play.resources.push_back(read_resource(std::move(entry), modules, diagnostics));
    play.resources.back().needs_filling = false;
  }
  check_parameters(playbook, home, diagnostics);
  return playbook;
}

bool is_unconditional(const Resource& resource) {
  for (const Include* include = resource.include; include; include = include->outer)
    if (!include->when.is_null()) return false;
  return resource.when.is_null();
}

std::string label_of(const Resource& resource, const Value& parameters, const std::string& key) {
  std::string label(resource.module ? resource.module->type : "");
  const Value *primary = nullptr, *script = nullptr;
  if (resource.id.empty() && resource.module) {
    const SchemaBase& schema = *resource.module->schema;
    primary = parameters.find(schema.primary());
    script = primary ? nullptr : parameters.find(schema.script());
    const Parameter* p = primary || script ? nullptr : schema.find(schema.primary());
    if (p && !p->default_value.is_null()) primary = &p->default_value;
  }
  label += '[';
  if (script && script->is_string())
    label += first_words(script->as_string());
  else
    label += primary ? joined_names(*primary) : resource.id;
  label += ']';
  if (!key.empty()) label += '[' + key + ']';
  return label;
}

}  // namespace mlops
