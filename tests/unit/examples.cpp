// Every module's examples are right, and its documentation is complete.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cli/module_text.hpp"
#include "cli/playbook_schema.hpp"
#include "model/document.hpp"
#include "playbook/interpolation.hpp"
#include "resource/module.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

// A folder for the files that examples take as `source`.
class Beside {
 public:
  Beside() : folder_(std::filesystem::temp_directory_path() / ("examples-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Beside() { std::filesystem::remove_all(folder_); }
  std::string playbook() const { return folder_ / "playbook.json"; }
  void make(const std::string& name) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << "content\n";
  }

 private:
  std::filesystem::path folder_;
};

bool is_common(std::string_view key) {
  return std::find(common_keys.begin(), common_keys.end(), key) != common_keys.end();
}

// Decodes one resource of an example as a playbook would.
void decode(const Value& resource, const Beside& beside, Diagnostics& diagnostics) {
  REQUIRE(resource.find("type"));
  const Module* module = find_module(resource.find("type")->as_string());
  REQUIRE(module);
  Value params = Value::Object{};
  for (const Value::Member& m : resource.as_object()) {
    if (is_common(m.key)) continue;
    const Parameter* p = module->schema->find(m.key);
    if (p && p->type_text == Codec<SourceFile>::type_text() && m.value.is_string())
      beside.make(m.value.as_string());
    params.as_object().push_back(m);
  }
  Decoder decoder{
      .diagnostics = diagnostics, .home = "/home/ubuntu", .resource = resource.where, .load_sources = false};
  const bool good = module->decode(params, decoder, has_references).has_value();
  CHECK(good == diagnostics.empty());
}

std::string texts(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics.list()) text += to_text(d);
  return text;
}

}  // namespace

TEST_CASE("every example of every resource type is read and decoded without a mistake") {
  const Beside beside;
  for (const Module* module : all_modules()) {
    for (const Example& example : module->schema->examples()) {
      INFO(module->type << ": " << example.title);
      const Source source{beside.playbook(), example.json};
      Diagnostics diagnostics;
      const auto value = parse_document(source, diagnostics);
      CHECK(texts(diagnostics) == "");
      REQUIRE(value);
      bool shows_type = false;
      for (const Value& resource : value->is_array() ? value->as_array() : Value::Array{*value}) {
        decode(resource, beside, diagnostics);
        shows_type |= resource.find("type")->as_string() == module->type;
      }
      CHECK(texts(diagnostics) == "");
      CHECK(shows_type);
    }
  }
}

TEST_CASE("every resource type says what it is for, has an example, and documents each parameter") {
  REQUIRE_FALSE(all_modules().empty());
  for (const Module* module : all_modules()) {
    const SchemaBase& schema = *module->schema;
    INFO(module->type);
    CHECK(schema.summary().ends_with('.'));
    CHECK_FALSE(schema.examples().empty());
    CHECK(schema.parameters().size() <= 64);
    if (!schema.primary().empty()) CHECK(schema.find(schema.primary()));
    for (const auto& p : schema.parameters()) {
      INFO(p->name);
      CHECK(p->doc.ends_with('.'));
      CHECK_FALSE(p->type_text.empty());
      CHECK_FALSE(is_common(p->name));
      CHECK(schema.find(p->name) == p.get());
    }
  }
}

TEST_CASE("the list of types and each one's page name all that there is") {
  const std::string list = list_text(all_modules());
  for (const Module* module : all_modules()) {
    CHECK(list.find(module->schema->summary() + "\n") != list.npos);
    const std::string page = page_text(*module);
    for (const auto& p : module->schema->parameters()) CHECK(page.find("\n  " + p->name + " ") != page.npos);
    for (const Example& e : module->schema->examples()) CHECK(page.find("\n  " + e.title + "\n") != page.npos);
    CHECK(page_value(*module).find("parameters")->as_array().size() == module->schema->parameters().size());
  }
}

TEST_CASE("the JSON Schema has a rule for each type, and each rule knows the common keys") {
  const Value schema = playbook_schema(all_modules());
  const Value& rules = *schema.find("$defs")->find("resource")->find("allOf");
  REQUIRE(rules.as_array().size() == all_modules().size());
  for (std::size_t i = 0; i < all_modules().size(); ++i) {
    const Module& module = *all_modules()[i];
    const Value& rule = rules.as_array()[i];
    CHECK(*rule.find("if")->find("properties")->find("type")->find("const") == Value(module.type));
    const Value& properties = *rule.find("then")->find("properties");
    for (const auto& p : module.schema->parameters()) CHECK(properties.find(p->name));
    for (const char* key : {"type", "id", "when", "for_each", "tags", "as", "after", "notify"})
      CHECK(properties.find(key));
    CHECK(*rule.find("then")->find("additionalProperties") == Value(false));
  }
}

TEST_CASE("the JSON Schema lets a reference stand where another type is expected") {
  const Value schema = playbook_schema(all_modules());
  const std::string text = to_json(schema);
  CHECK(text.find(R"({"anyOf":[{"type":"boolean"},{"$ref":"#/$defs/filled_in"}])") != text.npos);
  CHECK(to_json(*schema.find("$defs")->find("filled_in")) == R"({"type":"string","pattern":"\\{\\{"})");
}

TEST_CASE("no parameter of a type has the name of a key that every resource may have") {
  for (const Module* module : all_modules())
    for (const auto& parameter : module->schema->parameters()) {
      INFO(module->type << " " << parameter->name);
      CHECK(std::find(common_keys.begin(), common_keys.end(), parameter->name) == common_keys.end());
    }
}

TEST_CASE("docs/resources has the page of every type as `modules --markdown` prints it, and no other") {
  const std::filesystem::path folder = std::filesystem::path(SOURCE_DIR) / "docs/resources";
  const auto page = [&](const std::string& name) {
    std::ifstream file(folder / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    pages += entry.path().extension() == ".md";
  CHECK(pages == all_modules().size() + 1);
  CHECK(page("README.md") == list_markdown(all_modules()));
  for (const Module* module : all_modules()) {
    INFO(module->type);
    CHECK(page(std::string(module->type) + ".md") == page_markdown(*module));
  }
}
