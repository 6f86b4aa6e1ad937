#include "playbook/interpolation.hpp"

#include "support/catch.hpp"
#include "support/tree_scope.hpp"

using namespace mlops;
using test::Texts;
using test::TreeScope;

namespace {

struct Filling {
  Texts texts;
  TreeScope scope{texts(R"({
    "vars": {"name": "Ada", "count": 3, "on": true, "list": ["a", "b c", "d'e"], "nothing": null,
             "object": {"x": 1, "a b": "spaced"}, "path": "/srv//data/x.tar/"},
    "facts": {"os": {"id": "debian"}},
    "item": "one"})")};
  Value fill(const std::string& text) { return interpolate(texts(json_quote(text)), scope); }
  std::string json(const std::string& text) { return to_json(fill(text)); }
  Diagnostic mistake(const std::string& written) {
    try {
      interpolate(texts(written), scope);
    } catch (const InterpolationError& error) {
      return error.diagnostic;
    }
    return {};
  }
  std::string message(const std::string& text) {
    const Diagnostic d = mistake(json_quote(text));
    return d.hint.empty() ? d.message : d.message + " | " + d.hint;
  }
};

}  // namespace

TEST_CASE("a text that is a single reference keeps the kind of the value") {
  Filling f;
  CHECK(f.json("{{ vars.count }}") == "3");
  CHECK(f.json("{{vars.on}}") == "true");
  CHECK(f.json("{{vars.nothing}}") == "null");
  CHECK(f.json("{{ vars.list }}") == R"(["a","b c","d'e"])");
  CHECK(f.json("{{ vars.name }}") == R"("Ada")");
}

TEST_CASE("references in a longer text become text") {
  Filling f;
  CHECK(f.json("{{vars.name}} has {{vars.count}}, {{vars.on}}") == R"("Ada has 3, true")");
  CHECK(f.json(" {{vars.count}}") == R"(" 3")");
  CHECK(f.json("{{vars.object}}!") == R"("{\"x\":1,\"a b\":\"spaced\"}!")");
  CHECK(f.json("{{item}}{{facts.os.id}}") == R"("onedebian")");
}

TEST_CASE("what a secret went into is secret, and nothing else is") {
  Filling f;
  f.scope.root.set("vars", Value(Value::Object{}));
  Value& vars = *const_cast<Value*>(f.scope.root.find("vars"));
  vars.set("key", "s3cret").secret = true;
  vars.set("plain", "open");
  vars.set("keys", Value::Array{*vars.find("key"), "open"});
  CHECK(f.fill("{{vars.key}}").secret);
  CHECK(f.fill("a {{vars.plain}} and {{vars.key}}").secret);
  CHECK(f.fill("{{vars.keys | join(',') | upper}}").secret);
  CHECK(f.fill("all: {{vars}}").secret);
  CHECK(f.fill("{{vars.nothing | default('x')}}").secret == false);
  CHECK(f.fill("{{vars.keys.1}} {{vars.plain}}").secret == false);
  const Value list = interpolate(f.texts(R"(["{{vars.key}}", "b"])"), f.scope);
  CHECK(list.as_array()[0].secret);
  CHECK_FALSE(list.as_array()[1].secret);
  CHECK(list.as_array()[0] == Value("s3cret"));
}

TEST_CASE("elements of a path may be quoted names and indices") {
  Filling f;
  CHECK(f.json("{{ vars.object[\"a b\"] }}") == R"("spaced")");
  CHECK(f.json("{{ vars['object'].x }}") == "1");
  CHECK(f.json("{{ vars.list[1] }}") == R"("b c")");
  CHECK(f.json("{{ vars.list.0 }}") == R"("a")");
}

TEST_CASE("four braces are two literal ones") {
  Filling f;
  CHECK(f.json("docker ps --format '{{{{.Names}}'") == R"("docker ps --format '{{.Names}}'")");
  CHECK(f.json("{{{{ {{vars.count}} }}") == R"("{{ 3 }}")");
  CHECK(f.json("} }} {") == R"("} }} {")");
  CHECK_FALSE(has_references(Value("{{{{x}}")));
  CHECK(needs_filling(Value("{{{{x}}")));
  CHECK(has_references(Value("{{{{x}} {{y}}")));
  CHECK(has_references(f.texts(R"({"a": [1, {"b": "{{x}}"}]})")));
  CHECK_FALSE(has_references(f.texts(R"({"a": [1, {"b": "x"}]})")));
}

TEST_CASE("values are filled in at any depth, and keys are not") {
  Filling f;
  CHECK(to_json(interpolate(f.texts(R"({"a": ["{{vars.count}}", {"b": "x{{item}}"}], "c": 1})"), f.scope)) ==
        R"({"a":[3,{"b":"xone"}],"c":1})");
}

TEST_CASE("a filled in text stands where the text stood") {
  Filling f;
  const Value filled = interpolate(f.texts("[ \"{{vars.count}}\"]"), f.scope);
  CHECK(filled.as_array()[0].where.column == 3);
}

TEST_CASE("filters change values") {
  Filling f;
  CHECK(f.json("{{ vars.name | lower }}") == R"("ada")");
  CHECK(f.json("{{ vars.name | upper }}") == R"("ADA")");
  CHECK(f.json("{{ vars.path | basename }}") == R"("x.tar")");
  CHECK(f.json("{{ vars.path | dirname }}") == R"("/srv//data")");
  CHECK(f.json("{{ vars.path | dirname | basename }}") == R"("data")");
  CHECK(f.json("{{ vars.list | join(', ') }}") == R"("a, b c, d'e")");
  CHECK(f.json("{{ vars.list | join(\"\\n\") }}") == R"("a\nb c\nd'e")");
  CHECK(f.json("{{ vars.object | json }}") == R"("{\"x\":1,\"a b\":\"spaced\"}")");
  CHECK(f.json("{{ vars.name | quote }}") == R"("'Ada'")");
  CHECK(f.json("{{ vars.list[2] | quote }}") == R"("'d'\\''e'")");
  CHECK(f.json("{{ vars.list | quote }}") == R"("'a' 'b c' 'd'\\''e'")");
}

TEST_CASE("basename and dirname do as the programs of these names") {
  struct Row {
    std::string path, base, dir;
  };
  const auto row = GENERATE(Row{"/", "/", "/"}, Row{"/a", "a", "/"}, Row{"a", "a", "."}, Row{"a/b/", "b", "a"},
                            Row{"//a//", "a", "/"}, Row{"a//b", "b", "a"});
  Value root;
  root.set("p", Value(row.path));
  const TreeScope scope(root);
  CAPTURE(row.path);
  CHECK(interpolate(Value("{{p | basename}}"), scope).as_string() == row.base);
  CHECK(interpolate(Value("{{p | dirname}}"), scope).as_string() == row.dir);
}

TEST_CASE("default stands in for what is not there") {
  Filling f;
  CHECK(f.json("{{ vars.none | default('x') }}") == R"("x")");
  CHECK(f.json("{{ vars.none | default(\"a\\tb\") }}") == R"("a\tb")");
  CHECK(f.json("{{ vars.none | default('it\\'s') }}") == R"("it's")");
  CHECK(f.json("{{ vars.none | default(1.5) }}") == "1.5");
  CHECK(f.json("{{ vars.none | default(-4) }}") == "-4");
  CHECK(f.json("{{ vars.none | default(false) }}") == "false");
  CHECK(f.json("{{ vars.none | default(null) }}") == "null");
  CHECK(f.json("{{ vars.nothing | default('x') }}") == R"("x")");
  CHECK(f.json("{{ vars.name | default('x') | upper }}") == R"("ADA")");
  CHECK(f.json("{{ vars.none | lower | default('X') | lower }}") == R"("x")");
}

TEST_CASE("default stands in for a resource that was skipped, and only default does") {
  Filling f;
  f.scope.skipped = "r";
  CHECK(f.json("{{ resources.r.out | default('x') }}") == R"("x")");
  CHECK_THROWS_AS(f.fill("{{ resources.r.out }}"), SkippedReference);
}

TEST_CASE("every mistake in a reference has its own message") {
  Filling f;
  CHECK(f.message("{{ vars.nme }}") == "there is no `vars.nme` | did you mean `name`?");
  CHECK(f.message("{{ vars.object.ab.z }}") == "there is no `vars.object.ab` | did you mean `a b`?");
  CHECK(f.message("{{ vars.list[7] }}") == "there is no `vars.list.7`");
  CHECK(f.message("{{ vras.name }}") == "there is no `vras` | did you mean `vars`?");
  CHECK(f.message("{{ something }}") == "there is no `something` | names begin with vars, facts, item");
  CHECK(f.message("{{ secrets.token }}") ==
        "there is no `secrets.token` | declare it at the top: \"secrets\": {\"NAME\": {\"env\": \"NAME\"}}");
  CHECK(f.message("{{ vars.name | lowr }}") == "unknown filter `lowr` | did you mean `lower`?");
  CHECK(
      f.message("{{ vars.name | sorted }}") ==
      "unknown filter `sorted` | the filters are default, lower, upper, basename, dirname, join, json, quote");
  CHECK(f.message("{{ vars.name | lower('x') }}") == "the filter `lower` takes no argument");
  CHECK(f.message("{{ vars.name | default }}") ==
        "the filter `default` takes a value as its argument | write `default('x')`");
  CHECK(f.message("{{ vars.list | join(3) }}") ==
        "the filter `join` takes a text as its argument | write `join(', ')`");
  CHECK(f.message("{{ vars.name | join(',') }}") == "the filter `join` needs a list, found a text");
  CHECK(f.message("{{ vars.list | lower }}") == "the filter `lower` needs a text, found a list");
  CHECK(f.message("{{ vars.name") == "`{{` without `}}` | write `{{{{` for a literal `{{`");
  CHECK(f.message("{{ vars.{{item}} }}") ==
        "`{{` inside of `{{ }}`: one does not stand in another | write the path once, as in `{{vars.x}}`; no "
        "part of a path is "
        "looked up: where it varies, `for_each` over an object gives `{{item.key}}` and `{{item.value}}`");
  CHECK(f.message("{{ vars.list[{{item}}] }}").starts_with("`{{` inside of `{{ }}`"));
  CHECK(f.message("{{ facts.osid }}") == "there is no `facts.osid` | did you mean `facts.os.id`?");
  CHECK(f.message("{{.Names}}") == "expected a name, found `.` | write `{{{{` for a literal `{{`");
  CHECK(f.message("{{ vars.name x }}") == "expected `|` or `}}`, found `x`");
  CHECK(f.message("{{ vars.name é }}") == "expected `|` or `}}`, found `é`");
  CHECK(f.message("{{ vars[x] }}") == "expected a text in quotes, a number, true, false or null, found `x`");
  CHECK(f.message("{{ vars[1.5] }}") == "expected a name in quotes or an index in [ ]");
  CHECK(f.message("{{ vars['a }}") == "a text that begins with ' does not end");
  CHECK(f.message("{{ vars[\"a }}") == "a text that begins with \" does not end");
}

TEST_CASE("a mistake's column is exact, with escapes and wide characters before it") {
  Filling f;
  CHECK(f.mistake(R"(  "x {{ vars.nme }}")").where.column == 9);
  CHECK(f.mistake(R"("\"\n\u00e9\ud83d\ude00 {{vars.nme}}")").where.column == 27);
  CHECK(f.mistake("\"é😀 {{vars.nme}}\"").where.column == 7);
  CHECK(f.mistake(R"("{{vars.name | lowr}}")").where.column == 16);
  CHECK(f.mistake("[\n\n \"a\", \"b{{vars.nme}}\"]").where.line == 3);
  CHECK(f.mistake("[\n\n \"a\", \"b{{vars.nme}}\"]").where.column == 11);
  CHECK(to_text(f.mistake(R"({"a": "x {{ vars.nme }}"})")) ==
        "test.json:1:13: error: there is no `vars.nme`\n"
        "  {\"a\": \"x {{ vars.nme }}\"}\n"
        "              ^\n"
        "  hint: did you mean `name`?\n");
}

TEST_CASE("references are listed with their places, and all mistakes are reported") {
  Filling f;
  Diagnostics diagnostics;
  const auto list = references(
      f.texts(R"({"a": "{{vars.x}} {{ facts.os.id | default('y') }}", "b": ["{{.}} {{ z | q }} {{w}}"]})"),
      diagnostics);
  REQUIRE(list.size() == 3);
  CHECK(list[0].path == std::vector<std::string>{"vars", "x"});
  CHECK(list[0].where.column == 10);
  CHECK_FALSE(list[0].has_default);
  CHECK(list[1].path == std::vector<std::string>{"facts", "os", "id"});
  CHECK(list[1].has_default);
  CHECK(list[2].path == std::vector<std::string>{"w"});
  REQUIRE(diagnostics.size() == 2);
  CHECK(diagnostics.list()[0].message == "expected a name, found `.`");
  CHECK(diagnostics.list()[1].message == "unknown filter `q`");
}

TEST_CASE("braces in a name are reported, since only values are filled in") {
  Filling f;
  Diagnostics diagnostics;
  references(f.texts(R"({"{{vars.name}}": 1})"), diagnostics);
  REQUIRE(diagnostics.size() == 1);
  CHECK(diagnostics.list()[0].message == "`{{` in a name: only values are filled in");
}

TEST_CASE("a list that is joined with a long text, and a text that is quoted, stay within the bound") {
  Filling f;
  Value::Array many(40'000, Value("x"));
  f.scope.root.set("vars", Value(Value::Object{}));
  const_cast<Value*>(f.scope.root.find("vars"))->set("many", Value(std::move(many)));
  const std::string separator(4000, '-');
  CHECK(f.message("{{vars.many | join('" + separator + "')}}") ==
        "the text that is made of this list is larger than 16 MiB");
  CHECK(f.message("{{vars.many | join('-')}}") == "");
}
