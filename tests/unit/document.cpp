#include "model/document.hpp"

#include <fmt/format.h>

#include "support/catch.hpp"

using namespace mlops;

namespace {

// Each key and value as "line:column name", in the order of the text.
void places(const Value& v, const std::string& name, std::string& out) {
  out += fmt::format("{}:{} {}\n", v.where.line, v.where.column, name);
  if (v.is_array())
    for (const Value& item : v.as_array()) places(item, "item", out);
  if (!v.is_object()) return;
  for (const Value::Member& m : v.as_object()) {
    out += fmt::format("{}:{} key {}\n", m.key_where.line, m.key_where.column, m.key);
    places(m.value, m.key, out);
  }
}

std::string places(const std::string& text) {
  const Source source{"p", text};
  Diagnostics diagnostics;
  const auto v = parse_document(source, diagnostics);
  REQUIRE(diagnostics.empty());
  REQUIRE(v);
  std::string out;
  places(*v, "top", out);
  return out;
}

// All mistakes as "line:column message; hint", and whether a value came.
struct Parsed {
  std::optional<Value> value;
  std::string mistakes;
};

Parsed parse(const std::string& text) {
  const Source source{"p", text};
  Diagnostics diagnostics;
  Parsed parsed{parse_document(source, diagnostics), ""};
  for (const Diagnostic& d : diagnostics.list()) {
    parsed.mistakes += fmt::format("{}:{} {}", d.where.line, d.where.column, d.message);
    if (!d.hint.empty()) parsed.mistakes += fmt::format("; {}", d.hint);
    if (!d.related_message.empty())
      parsed.mistakes += fmt::format(" ({}:{} {})", d.related.line, d.related.column, d.related_message);
    parsed.mistakes += "\n";
  }
  return parsed;
}

// The only mistake of a text that gives no value.
std::string mistake(const std::string& text) {
  const Parsed parsed = parse(text);
  CHECK_FALSE(parsed.value);
  return parsed.mistakes.substr(0, parsed.mistakes.find('\n'));
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("every kind of value is read") {
  const auto parsed =
      parse(R"([null, true, false, 0, -12, 9223372036854775807, 1.5, 8e9, "a\nä\u00e4\ud83d\ude00", [], {}])");
  CHECK(parsed.mistakes.empty());
  REQUIRE(parsed.value);
  CHECK(to_json(*parsed.value) ==
        "[null,true,false,0,-12,9223372036854775807,1.5,8000000000,\"a\\nää😀\",[],{}]");
  CHECK(parsed.value->as_array()[3].is_integer());
  CHECK_FALSE(parsed.value->as_array()[7].is_integer());
}

TEST_CASE("every key and value knows its line and column") {
  CHECK(
      places("{\n  \"a\": 1,\n\t\"b\" : [ true,null, -1.5e3 ],\n\n  \"c\":{\"d\":\"x\"}}") ==
      "1:1 top\n2:3 key a\n2:8 a\n3:2 key b\n3:8 b\n3:10 item\n3:15 item\n3:21 item\n5:3 key c\n5:7 c\n5:8 key "
      "d\n5:12 d\n");
}

TEST_CASE("columns count code points, whatever a text contains") {
  CHECK(places(R"(["ä€😀", 1, "a\"b\\", "\\", 2])") ==
        "1:1 top\n1:2 item\n1:9 item\n1:12 item\n1:22 item\n1:28 item\n");
}

TEST_CASE("places are right behind brackets, commas and quotes in texts") {
  CHECK(places(R"({"a,]}:":"[{,:\"","b":1})") == "1:1 top\n1:2 key a,]}:\n1:10 a,]}:\n1:19 key b\n1:23 b\n");
}

TEST_CASE("comments are ignored, and may contain anything") {
  CHECK(places("// \"a\n/* [\n { */ [1, // 2, */\n/**/ 3 /* , */ /* ] */\n, 4]//") ==
        "3:7 top\n3:8 item\n4:6 item\n5:3 item\n");
  CHECK(places("[1/*/ \"*/,2]") == "1:1 top\n1:2 item\n1:11 item\n");
}

TEST_CASE("a byte order mark is passed over, carriage returns are white space") {
  CHECK(places("\xef\xbb\xbf[1,\r\n2]") == "1:1 top\n1:2 item\n2:1 item\n");
}

TEST_CASE("values keep their source") {
  const Source source{"p", "{\"a\": 1}"};
  Diagnostics diagnostics;
  const auto v = parse_document(source, diagnostics);
  REQUIRE(v);
  CHECK(v->as_object()[0].key_where.source == &source);
  CHECK(v->find("a")->where.source == &source);
}

TEST_CASE("each key that is there twice is reported with both places, and the first one stays") {
  const auto parsed = parse("{\"a\": 1,\n \"b\": {\"x\": 1, \"x\": 2},\n \"a\": 2, \"a\": 3}");
  CHECK(parsed.mistakes ==
        "2:16 the key `x` is already there (2:8 first here)\n"
        "3:2 the key `a` is already there (1:2 first here)\n"
        "3:10 the key `a` is already there (1:2 first here)\n");
  REQUIRE(parsed.value);
  CHECK(to_json(*parsed.value) == R"({"a":1,"b":{"x":1}})");
}

TEST_CASE("keys that are there twice are found among many") {
  std::string text = "{";
  for (int i = 0; i < 30; ++i) text += fmt::format("\"k{}\":{},", i % 29, i);
  text.back() = '}';
  const auto parsed = parse(text);
  CHECK(parsed.mistakes == "1:243 the key `k0` is already there (1:2 first here)\n");
  REQUIRE(parsed.value);
  CHECK(parsed.value->as_object().size() == 29);
  CHECK(*parsed.value->find("k0") == Value(0));
}

TEST_CASE("integers that do not fit 64 bits are reported as they were written") {
  const auto parsed =
      parse("[9223372036854775808, -9223372036854775809, 123456789012345678901, -9223372036854775808]");
  CHECK(parsed.mistakes ==
        "1:2 the integer 9223372036854775808 does not fit 64 bits\n"
        "1:23 the integer -9223372036854775809 does not fit 64 bits\n"
        "1:45 the integer 123456789012345678901 does not fit 64 bits\n");
  CHECK(parsed.value);
  CHECK(mistake("[1, 1e999]") == "1:5 the number 1e999 is too large");
}

TEST_CASE("bytes that are no UTF-8 are reported, and the rest is still checked") {
  CHECK(parse("[\"\xe4\", // \xff\n \"\xc3\"]").mistakes ==
        "1:3 the byte 0xe4 is no UTF-8; save the file as UTF-8\n"
        "2:3 the byte 0xc3 is no UTF-8; save the file as UTF-8\n");
  CHECK(parse("[\"\xe4\", x]").mistakes ==
        "1:3 the byte 0xe4 is no UTF-8; save the file as UTF-8\n"
        "1:7 unknown word `x`; texts are written in double quotes\n");
  CHECK(mistake("\xff\xfe[\0") == "0:0 the text is UTF-16; save it as UTF-8");
  CHECK(mistake(std::string("[1,\n\0]", 6)) == "2:1 there is a NUL character in the text");
  CHECK(mistake(std::string("{}\0{}", 5)) == "1:3 there is a NUL character in the text");
}

TEST_CASE("200 lists and objects may be inside each other, and no more") {
  CHECK(parse(nested(200)).value);
  CHECK(mistake(nested(201)) == "1:201 more than 200 lists and objects inside each other");
  CHECK(mistake(std::string(1000000, '[')) == "1:201 more than 200 lists and objects inside each other");
}

TEST_CASE("a comma behind the last item or member is passed over, and places stay right") {
  CHECK(places("[1, // last\n]") == "1:1 top\n1:2 item\n");
  CHECK(places("{\"a\":[{\"b\":\",]\",},\n2,],}") == places("{\"a\":[{\"b\":\",]\" },\n2 ] }"));
}

TEST_CASE("each mistake of syntax is said in plain words at its place") {
  struct Case {
    const char *text, *mistake;
  };
  const char* const quotes = "texts are written in double quotes";
  const Case cases[] = {
      {"", "1:1 the text is empty: there is no JSON value in it"},
      {" // x\n", "2:1 the text is empty: there is no JSON value in it"},
      {"{", "1:2 expected a key or `}`, found the end of the text (1:1 the object begins here)"},
      {"{\"a\"", "1:5 expected `:` after the key `a`, found the end of the text"},
      {"{\"a\":", "1:6 expected a value for `a`, found the end of the text (1:1 the object begins here)"},
      {"{\"a\":1",
       "1:7 expected a comma or `}` after this member, found the end of the text (1:1 the object begins here)"},
      {"{\"a\":1,", "1:8 expected a key, found the end of the text (1:1 the object begins here)"},
      {"[", "1:2 expected a value or `]`, found the end of the text (1:1 the list begins here)"},
      {"[1,", "1:4 expected a value, found the end of the text (1:1 the list begins here)"},
      {"[1,,]", "1:4 expected a value, found `,` (1:1 the list begins here)"},
      {"[1,],]", "1:6 expected nothing after the end of the JSON value, found `]`"},
      {"---\na: 1",
       "1:1 this looks like YAML, and what is read here is JSON (with comments); write {\"resources\": "
       "[{\"type\": "
       "\"package\", \"names\": [\"jq\"]}]}"},
      {"hosts: all\n",
       "1:1 this looks like YAML, and what is read here is JSON (with comments); write {\"resources\": "
       "[{\"type\": "
       "\"package\", \"names\": [\"jq\"]}]}"},
      {"[1,,2]", "1:4 expected a value, found `,` (1:1 the list begins here)"},
      {"[,1]", "1:2 expected a value or `]`, found `,` (1:1 the list begins here)"},
      {"{,}", "1:2 expected a key or `}`, found `,` (1:1 the object begins here)"},
      {"{\"a\":1\n \"b\":2}",
       "1:7 expected a comma or `}` after this member, found a text (1:1 the object begins here)"},
      {"{\"a\":1\n b:2}",
       "1:7 expected a comma or `}` after this member, found `b` (1:1 the object begins here)"},
      {"[1 2]", "1:3 expected a comma or `]` after this item, found `2` (1:1 the list begins here)"},
      {"[{} {}]", "1:4 expected a comma or `]` after this item, found `{` (1:1 the list begins here)"},
      {"{\"a\":[1,2}", "1:10 expected a comma or `]` after this item, found `}` (1:6 the list begins here)"},
      {"[\"a\":1]",
       "1:5 expected a comma or `]` after this item, found `:`; a key and its value belong between { and } "
       "(1:1 the "
       "list begins here)"},
      {"{\"a\":1;}", "1:7 expected a comma or `}` after this member, found `;` (1:1 the object begins here)"},
      {"{\"a\" 1}", "1:6 expected `:` after the key `a`, found `1`"},
      {"{\"a\"=1}", "1:5 expected `:` after the key `a`, found `=`"},
      {"{\"a\":}", "1:6 expected a value for `a`, found `}` (1:1 the object begins here)"},
      {"{a:1}", "1:2 a key is written in double quotes; write \"a\""},
      {"{'a':1}", "1:2 texts are written in double quotes"},
      {"['a']", "1:2 texts are written in double quotes"},
      {"]", "1:1 expected a value, found `]`"},
      {"{} x", "1:4 expected nothing after the end of the JSON value, found `x`"},
      {"{}}", "1:3 expected nothing after the end of the JSON value, found `}`"},
      {"[1]\n{}", "2:1 expected nothing after the end of the JSON value, found `{`"},
      {"[True]", "1:2 unknown word `True`; write true"},
      {"[nul]", "1:2 unknown word `nul`; write null"},
      {"[0644]", "1:2 a number must not begin with 0; a mode is a text: \"0644\""},
      {"[-01]", "1:3 a number must not begin with 0; a mode is a text: \"0644\""},
      {"[.5]", "1:2 `.5` is no JSON number; numbers are written like 12, -0.5 or 3e8"},
      {"[1.]", "1:2 `1.` is no JSON number; numbers are written like 12, -0.5 or 3e8"},
      {"[+1]", "1:2 `+1` is no JSON number; numbers are written like 12, -0.5 or 3e8"},
      {"[-]", "1:2 `-` is no JSON number; numbers are written like 12, -0.5 or 3e8"},
      {"[1e]", "1:2 `1e` is no JSON number; numbers are written like 12, -0.5 or 3e8"},
      {"[1.2.3]", "1:5 `.3` is no JSON number; numbers are written like 12, -0.5 or 3e8"},
      {"[12px]", "1:4 `px` is no JSON number; numbers are written like 12, -0.5 or 3e8"},
      {"[\"abc\n\"]", "1:2 this text is not closed on its line; a line break is written \\n"},
      {"[\"abc", "1:2 this text is never closed"},
      {"[\"abc\\", "1:2 this text is never closed"},
      {"{\"abc", "1:2 this text is never closed"},
      {"[\"a\tb\"]", "1:4 a tab in a text is written \\t"},
      {"[\"\x01\"]", "1:3 this control character is written \\u0001 in a text"},
      {"[\"C:\\data\"]", "1:5 unknown escape `\\d` in a text; a backslash is written \\\\"},
      {"[\"\\ä\"]", "1:3 unknown escape `\\ä` in a text; a backslash is written \\\\"},
      {"[\"\\u12g4\"]", "1:3 \\u must be followed by four hexadecimal digits"},
      {"[\"\\ud83d\\ude00\\ud800\"]", "1:15 \\ud800 is half of a pair of surrogates"},
      {"[\"\\udc00\"]", "1:3 \\udc00 is half of a pair of surrogates"},
      {"/* abc", "1:1 this comment is never closed; end it with `*/`"},
      {"[1, /* abc ]", "1:5 this comment is never closed; end it with `*/`"},
      {"[1] /", "1:5 a `/` alone begins no comment; comments are `// …` and `/* … */`"},
      {"# a\n{}", "1:1 `#` begins no comment here; comments are `// …` and `/* … */`"},
      {"{\"a\":1,\n# b\n\"b\":2}", "2:1 `#` begins no comment here; comments are `// …` and `/* … */`"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(mistake(c.text) == c.mistake);
  }
  CHECK(mistake("[yes]") == std::string("1:2 unknown word `yes`; ") + quotes);
}

TEST_CASE("mistakes before an error of syntax are reported too") {
  CHECK(parse("{\"o\":{\"a\":1,\"a\":2}, x}").mistakes ==
        "1:13 the key `a` is already there (1:7 first here)\n"
        "1:21 a key is written in double quotes; write \"x\"\n");
}

TEST_CASE("what was written as JSON is read back the same") {
  const auto parsed = parse(R"({"a":[1,-2.5e-7,"\u0000\u001f\"\\/"],"":{"ä":null}})");
  REQUIRE(parsed.value);
  CHECK(*parse(to_json(*parsed.value)).value == *parsed.value);
  CHECK(*parse(to_json(*parsed.value, 2)).value == *parsed.value);
}
