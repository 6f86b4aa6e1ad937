#include "cli/playbook_schema.hpp"

#include <initializer_list>
#include <utility>

namespace mlops {
namespace {

Value object(std::initializer_list<std::pair<const char*, Value>> members) {
  Value::Object o;
  for (const auto& [key, value] : members) o.emplace_back(key, value);
  return o;
}

Value list(std::initializer_list<Value> items) { return Value::Array(items); }

Value reference(const char* definition) { return object({{"$ref", std::string("#/$defs/") + definition}}); }

Value documented(Value schema, std::string_view doc) {
  schema.set("description", doc);
  return schema;
}

Value text(std::string_view doc) { return documented(object({{"type", "string"}}), doc); }

// A text, or a list of them, that must be known before a run.
Value texts(std::string_view doc) {
  Value items = object({{"type", "array"}, {"items", object({{"type", "string"}})}});
  return documented(object({{"anyOf", list({object({{"type", "string"}}), std::move(items)})}}), doc);
}

// The same schema that also takes a text with {{ }}, at every depth.
Value fillable(const Value& schema) {
  Value out = schema;
  if (const Value* items = schema.find("items")) out.set("items", fillable(*items));
  if (const Value* rest = schema.find("additionalProperties"); rest && rest->is_object())
    out.set("additionalProperties", fillable(*rest));
  const Value* type = schema.find("type");
  const bool any_text = type && *type == Value("string") && schema.as_object().size() == 1;
  if (any_text) return out;
  return object({{"anyOf", list({std::move(out), reference("filled_in")})}});
}

Value parameter_schema(const Parameter& p) {
  Value schema = documented(fillable(p.json_schema), p.doc);
  if (!p.default_value.is_null()) schema.set("default", p.default_value);
  return schema;
}

Value common_properties() {
  return object({
      {"type", object({{"type", "string"}})},
      {"id", documented(object({{"type", "string"}, {"pattern", "^[A-Za-z0-9_.-]+$"}}),
                        "A name for after, notify, --only and {{resources.ID…}}.")},
      {"when", documented(reference("condition"), "The resource is skipped unless this matches.")},
      {"for_each", documented(fillable(object({{"type", list({"array", "object"})}})),
                              "One resource for each item, which is {{item}}.")},
      {"tags", texts("Words to select resources by, with --tag.")},
      {"as", text("The user that the resource runs as.")},
      {"after",
       texts("Ids of earlier resources that must have succeeded; in a plan, a command waits for these alone.")},
      {"notify", texts("Ids of later resources that act when this one changed something.")},
      {"retry",
       documented(
           object({{"type", "object"},
                   {"required", list({"times"})},
                   {"additionalProperties", false},
                   {"properties",
                    object({{"times", object({{"type", "integer"}, {"minimum", 1}, {"maximum", 1000}})},
                            {"delay", object({{"type", "string"}, {"pattern", "^[0-9]+(ms|s|m|h|d)$"}})}})}}),
           "After a failure, how often to try again, and how long to wait before each try.")},
  });
}

Value type_words(ModuleTable modules) {
  Value::Array words;
  for (const Module* m : modules)
    words.push_back(object({{"const", m->type}, {"description", m->schema->summary()}}));
  return object({{"description", "The resource type."}, {"oneOf", std::move(words)}});
}

// If the type is this module's, then these are its parameters.
Value type_rule(const Module& module) {
  Value properties, required = Value::Array{};
  for (const auto& p : module.schema->parameters()) {
    properties.set(p->name, parameter_schema(*p));
    if (p->required) required.as_array().push_back(p->name);
  }
  const Value common = common_properties();
  for (const auto& member : common.as_object()) properties.set(member.key, true);
  const Value is_type = object({{"type", object({{"const", module.type}})}});
  Value then = object({{"properties", std::move(properties)}, {"additionalProperties", false}});
  if (!required.as_array().empty()) then.set("required", std::move(required));
  return object(
      {{"if", object({{"properties", is_type}, {"required", list({"type"})}})}, {"then", std::move(then)}});
}

Value resource(ModuleTable modules) {
  Value properties = common_properties();
  properties.set("type", type_words(modules));
  Value::Array rules;
  for (const Module* m : modules) rules.push_back(type_rule(*m));
  Value schema =
      object({{"type", "object"}, {"required", list({"type"})}, {"properties", std::move(properties)}});
  if (!rules.empty()) schema.set("allOf", std::move(rules));
  return schema;
}

Value resources(std::string_view doc) {
  const Value entry = object({{"anyOf", list({reference("resource"), reference("include")})}});
  return documented(object({{"type", "array"}, {"items", entry}}), doc);
}

// An entry that includes another file; more: further keys of the entry.
Value include(std::string_view file, std::initializer_list<std::pair<const char*, Value>> more = {}) {
  Value what =
      object({{"type", "object"},
              {"required", list({"file"})},
              {"additionalProperties", false},
              {"properties", object({{"file", text(file)},
                                     {"vars", documented(object({{"type", "object"}}),
                                                         "Values for its vars, in the place of its own.")}})}});
  Value properties =
      object({{"include", object({{"anyOf", list({object({{"type", "string"}}), std::move(what)})}})},
              {"id", documented(object({{"type", "string"}, {"pattern", "^[A-Za-z0-9_.-]+$"}}),
                                "The prefix of its ids; else the file's name.")},
              {"when", documented(reference("condition"), "All of it is skipped unless this matches.")},
              {"tags", texts("Tags for each of its resources.")}});
  for (const auto& [key, value] : more) properties.set(key, value);
  return object({{"type", "object"},
                 {"required", list({"include"})},
                 {"additionalProperties", false},
                 {"properties", std::move(properties)}});
}

// The source of a secret: one of four.
Value secret() {
  const auto origin = [](const char* key, Value value) {
    return object({{"type", "object"},
                   {"required", list({Value(key)})},
                   {"additionalProperties", false},
                   {"properties", object({{key, std::move(value)}})}});
  };
  const Value argv = object({{"type", "array"}, {"minItems", 1}, {"items", object({{"type", "string"}})}});
  return object(
      {{"oneOf", list({origin("env", text("A variable of the environment.")),
                       origin("file", text("A file: ~/…, absolute, or beside the playbook.")),
                       origin("command", documented(argv, "A program that prints it, and its arguments.")),
                       origin("prompt", text("A question on the terminal."))})}});
}

Value on() {
  return texts(
      "Where it runs: local (the controller) or hosts; absent: the hosts that --host names. May refer to "
      "resources of earlier plays on local.");
}

Value reach_timeout() {
  Value seconds = object({{"type", "integer"}, {"minimum", 0}, {"maximum", 7 * 24 * 3600}});
  Value time = object({{"type", "string"}, {"pattern", "^[0-9]+(ms|s|m|h|d)$"}});
  return documented(object({{"anyOf", list({std::move(seconds), std::move(time)})}}),
                    "How long a host that an earlier play brought into being may take to be reached; 10m.");
}

Value play() {
  return object(
      {{"type", "object"},
       {"required", list({"resources"})},
       {"additionalProperties", false},
       {"properties",
        object({{"name", text("Shown while the play runs.")},
                {"on", on()},
                {"reach_timeout", reach_timeout()},
                {"when", documented(reference("condition"), "The whole play is skipped unless this matches.")},
                {"resources", resources("Take effect one by one, in this order.")}})}});
}

// A condition: every member must match. docs/playbooks.md has the operators.
Value condition() {
  const Value several = object({{"type", "array"}, {"items", reference("condition")}});
  return object(
      {{"type", "object"}, {"properties", object({{"any", several}, {"all", several}, {"none", several}})}});
}

// A text, or one with a condition.
Value show_text() {
  const Value properties = object({{"text", text("What is printed.")}, {"when", reference("condition")}});
  return object(
      {{"anyOf", Value::Array{object({{"type", "string"}}), object({{"type", "object"},
                                                                    {"additionalProperties", false},
                                                                    {"required", Value::Array{"text"}},
                                                                    {"properties", properties}})}}});
}

}  // namespace

Value playbook_schema(ModuleTable modules) {
  Value play_entry = object({{"anyOf", list({reference("play"), reference("included_plays")})}});
  Value properties = object(
      {{"$schema", object({{"type", "string"}})},
       {"name", text("What the playbook is for.")},
       {"vars",
        documented(object({{"type", "object"}}), "Values for {{vars.NAME}}, changed by --vars and --set.")},
       {"secrets", documented(object({{"type", "object"}, {"additionalProperties", reference("secret")}}),
                              "Values for {{secrets.NAME}}, read on the controller and never shown.")},
       {"plays",
        documented(object({{"type", "array"}, {"items", std::move(play_entry)}}), "Run in this order.")},
       {"resources", resources("Short for a single play.")},
       {"show",
        documented(object({{"type", "array"}, {"items", show_text()}}), "Lines to print after success.")}});
  Value definitions = object({{"filled_in", object({{"type", "string"}, {"pattern", "\\{\\{"}})},
                              {"condition", condition()},
                              {"play", play()},
                              {"include", include("A file of vars and resources, beside this one.")},
                              {"included_plays", include("A playbook, beside this one.",
                                                         {{"on", on()}, {"reach_timeout", reach_timeout()}})},
                              {"secret", secret()},
                              {"resource", resource(modules)}});
  return object({{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "mlops-agent playbook"},
                 {"type", "object"},
                 {"additionalProperties", false},
                 {"properties", std::move(properties)},
                 {"$defs", std::move(definitions)}});
}

}  // namespace mlops
