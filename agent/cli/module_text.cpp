#include "cli/module_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mlops {
namespace {

constexpr std::size_t widest = 100;

// The text with each line after an indent, broken between words.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string out, line;
  const auto flush = [&] {
    if (!line.empty()) out += fmt::format("{:{}}{}\n", "", indent, line);
    line.clear();
  };
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    if (!line.empty() && indent + line.size() + 1 + word.size() > widest) flush();
    if (!line.empty() && !word.empty()) line += ' ';
    line += word;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  flush();
  return out;
}

std::string heading(const Parameter& p) {
  std::string text = p.type_text;
  if (p.required) text += ", required";
  if (!p.default_value.is_null()) text += ", default " + to_json(p.default_value);
  if (p.sensitive) text += ", may be a secret";
  return text;
}

std::string indented(std::string_view text, std::size_t indent) {
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out += fmt::format("{:{}}{}\n", "", indent, line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

// A cell of a Markdown table: one line, and no bar of its own.
std::string in_cell(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c == '|')
      out += "\\|";
    else
      out += c == '\n' ? ' ' : c;
  return out;
}

Value parameter_value(const Parameter& p) {
  Value v;
  v.set("name", p.name);
  v.set("type", p.type_text);
  v.set("required", p.required);
  v.set("default", p.default_value);
  v.set("sensitive", p.sensitive);
  v.set("doc", p.doc);
  v.set("schema", p.json_schema);
  return v;
}

}  // namespace

std::string list_text(ModuleTable modules) {
  std::size_t width = 0;
  for (const Module* m : modules) width = std::max(width, m->type.size());
  std::string text;
  for (const Module* m : modules) text += fmt::format("{:{}}  {}\n", m->type, width, m->schema->summary());
  return text;
}

std::string page_text(const Module& module) {
  const SchemaBase& schema = *module.schema;
  std::string text = wrapped(fmt::format("{}: {}", module.type, schema.summary()), 0);
  std::size_t width = 0;
  for (const auto& p : schema.parameters()) width = std::max(width, p->name.size());
  text += "\nParameters\n";
  for (const auto& p : schema.parameters()) {
    text += fmt::format("  {:{}}  {}\n", p->name, width, heading(*p));
    text += wrapped(p->doc, width + 4);
  }
  if (!schema.examples().empty()) text += "\nExamples\n";
  for (const Example& e : schema.examples()) text += fmt::format("  {}\n{}", e.title, indented(e.json, 4));
  return text;
}

std::string page_markdown(const Module& module) {
  const SchemaBase& schema = *module.schema;
  std::string text = fmt::format(
      "# {}\n\n{}\n\nBeside its own parameters it takes the [keys of every resource](../playbooks.md).\n\n"
      "| Parameter | Type | Meaning |\n|---|---|---|\n",
      module.type, schema.summary());
  for (const auto& p : schema.parameters())
    text += fmt::format("| `{}` | {} | {} |\n", p->name, in_cell(heading(*p)), in_cell(p->doc));
  if (!schema.examples().empty()) text += "\n## Examples\n";
  for (const Example& e : schema.examples())
    text += fmt::format("\n{}:\n\n```json\n{}\n```\n", e.title, e.json);
  return text;
}

std::string list_markdown(ModuleTable modules) {
  std::string text = "# Resource types\n\n| Type | What it does |\n|---|---|\n";
  for (const Module* m : modules)
    text += fmt::format("| [`{0}`]({0}.md) | {1} |\n", m->type, in_cell(m->schema->summary()));
  return text;
}

Value page_value(const Module& module) {
  Value::Array parameters, examples;
  for (const auto& p : module.schema->parameters()) parameters.push_back(parameter_value(*p));
  for (const Example& e : module.schema->examples()) {
    Value example;
    example.set("title", e.title);
    example.set("json", e.json);
    examples.push_back(std::move(example));
  }
  const std::string& primary = module.schema->primary();
  Value v;
  v.set("type", module.type);
  v.set("summary", module.schema->summary());
  v.set("named_by", primary.empty() ? Value() : Value(primary));
  v.set("parameters", std::move(parameters));
  v.set("examples", std::move(examples));
  return v;
}

}  // namespace mlops
