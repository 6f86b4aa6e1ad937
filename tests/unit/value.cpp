#include "model/value.hpp"

#include <cmath>
#include <limits>

#include "base/utf8.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {
Value object(std::initializer_list<std::pair<const char*, Value>> members) {
  Value::Object o;
  for (const auto& [key, value] : members) o.emplace_back(key, value);
  return o;
}
}  // namespace

TEST_CASE("values are equal when their data is, whatever their places") {
  Source source{"p", "1"};
  Value placed(1);
  placed.where = {&source, 1, 1};
  CHECK(placed == Value(1));
  CHECK(Value() == Value());
  CHECK_FALSE(Value() == Value(false));
  CHECK_FALSE(Value("1") == Value(1));
  CHECK(Value(Value::Array{1, "a"}) == Value(Value::Array{1, "a"}));
  CHECK_FALSE(Value(Value::Array{1}) == Value(Value::Array{1, 1}));
}

TEST_CASE("an integer equals a number of the same value, exactly") {
  CHECK(Value(3) == Value(3.0));
  CHECK(Value(3.0) == Value(3));
  CHECK_FALSE(Value(3) == Value(3.5));
  CHECK_FALSE(Value(std::numeric_limits<std::int64_t>::max()) == Value(9223372036854775808.0));
  CHECK_FALSE(Value(std::int64_t{9007199254740993}) == Value(9007199254740992.0));
  CHECK_FALSE(Value(0) == Value(std::nan("")));
}

TEST_CASE("the order of an object's members does not matter for equality") {
  CHECK(object({{"a", 1}, {"b", 2}}) == object({{"b", 2}, {"a", 1}}));
  CHECK_FALSE(object({{"a", 1}, {"b", 2}}) == object({{"a", 1}, {"c", 2}}));
  CHECK_FALSE(object({{"a", 1}}) == object({{"a", 1}, {"b", 2}}));
}

TEST_CASE("members are found, added and replaced in their place") {
  Value v;
  v.set("a", 1);
  v.set("b", 2);
  v.set("a", 3);
  CHECK(to_json(v) == R"({"a":3,"b":2})");
  REQUIRE(v.find("b"));
  CHECK(*v.find("b") == Value(2));
  CHECK(v.find("c") == nullptr);
  CHECK(Value("text").find("a") == nullptr);
}

TEST_CASE("each kind has a name for messages") {
  CHECK(Value().kind_name() == "null");
  CHECK(Value(true).kind_name() == "true or false");
  CHECK(Value(1).kind_name() == "an integer");
  CHECK(Value(1.5).kind_name() == "a number");
  CHECK(Value("").kind_name() == "a text");
  CHECK(Value(Value::Array{}).kind_name() == "a list");
  CHECK(Value(Value::Object{}).kind_name() == "an object");
}

TEST_CASE("JSON is written on one line, or indented") {
  const Value v =
      object({{"list", Value::Array{1, true, Value()}}, {"none", Value::Array{}}, {"o", Value::Object{}}});
  CHECK(to_json(v) == R"({"list":[1,true,null],"none":[],"o":{}})");
  CHECK(to_json(v, 2) ==
        "{\n  \"list\": [\n    1,\n    true,\n    null\n  ],\n  \"none\": [],\n  \"o\": {}\n}");
}

TEST_CASE("numbers are written in the shortest form that reads back as the same") {
  CHECK(to_json(0.1) == "0.1");
  CHECK(to_json(1.0 / 3) == "0.3333333333333333");
  CHECK(to_json(8e9) == "8000000000");
  CHECK(to_json(1e300) == "1e+300");
  CHECK(to_json(75555558875555558888.5) == "7.555555887555556e+19");
  CHECK(to_json(-0.0) == "-0");
  CHECK(to_json(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(to_json(std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("texts are quoted as RFC 8259 has it") {
  CHECK(json_quote("a\"b\\c/") == R"("a\"b\\c/")");
  CHECK(json_quote("\b\f\n\r\t\x01\x1f\x7f") == R"("\b\f\n\r\t\u0001\u001f\u007f")");  // DEL steers a terminal
  CHECK(json_quote("ä€😀") == "\"ä€😀\"");
  CHECK(json_quote(std::string_view("\0", 1)) == R"("\u0000")");
}

TEST_CASE("bytes that are no UTF-8 become the replacement character") {
  CHECK(json_quote("a\xff"
                   "b") ==
        "\"a\xef\xbf\xbd"
        "b\"");
  CHECK(json_quote("\xc3") == "\"\xef\xbf\xbd\"");
  CHECK(json_quote("\xc0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // overlong
  CHECK(json_quote("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // a surrogate
}

TEST_CASE("inside a longer text, texts stand as they are and the rest as JSON") {
  CHECK(Value("a \"b\"").to_text() == "a \"b\"");
  CHECK(Value(12).to_text() == "12");
  CHECK(Value(true).to_text() == "true");
  CHECK(Value(Value::Array{"a", 1}).to_text() == R"(["a",1])");
}

TEST_CASE("the first byte that is no UTF-8 is found") {
  CHECK(find_invalid_utf8("plain, and ä€😀, longer than a machine word") == std::string_view::npos);
  CHECK(find_invalid_utf8("0123456789\xff") == 10);
  CHECK(find_invalid_utf8("ä\xf4\x90\x80\x80") == 2);  // above U+10FFFF
  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("\xf0\x9f\x98\x80") == 4);
  CHECK(utf8_length("\xf0\x8f\xbf\xbf") == 0);
}
