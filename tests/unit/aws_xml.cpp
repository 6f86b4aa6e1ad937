// The XML of AWS's answers.
#include "aws/xml.hpp"

#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::aws;

namespace {

std::string mistake(const std::string& text) {
  try {
    parse_xml(text);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

std::string nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += "<a>";
  for (int i = 0; i < depth; ++i) text += "</a>";
  return text;
}

}  // namespace

TEST_CASE("an answer becomes a tree of names, texts and children", "[aws]") {
  const XmlNode root = parse_xml(R"(<?xml version="1.0" encoding="UTF-8"?>
<DescribeResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>r-1</requestId>
  <!-- a note -->
  <fooSet><item><name>a &lt;&amp;&#65;</name><size>8</size><on>true</on></item><item><name><![CDATA[b<]]></name></item></fooSet>
  <empty/>
</DescribeResponse>)");
  CHECK(root.name == "DescribeResponse");
  CHECK(root.text.empty());
  CHECK(root.text_at("requestId") == "r-1");
  REQUIRE(root.list_at("fooSet").size() == 2);
  const XmlNode& first = root.list_at("fooSet")[0];
  CHECK(first.text_at("name") == "a <&A");
  CHECK(first.number_at("size") == 8);
  CHECK(first.flag_at("on"));
  CHECK(root.list_at("fooSet")[1].text_at("name") == "b<");
  CHECK(root.find("fooSet/item/size"));
}

TEST_CASE("what is absent, empty or no number reads as nothing", "[aws]") {
  const XmlNode root = parse_xml("<r><empty/><word>x</word></r>");
  CHECK(root.text_at("empty").empty());
  CHECK(root.text_at("none/at/all").empty());
  CHECK(root.list_at("none").empty());
  CHECK(root.number_at("word") == 0);
  CHECK_FALSE(root.flag_at("word"));
  CHECK(root.child("none") == nullptr);
}

TEST_CASE("what is not well-formed is refused with the place", "[aws]") {
  CHECK_THAT(mistake("<a><b></a>"), Catch::Contains("not XML") && Catch::Contains("at byte"));
  CHECK_THAT(mistake(""), Catch::Contains("not XML"));
  CHECK_THAT(mistake("plain text"), Catch::Contains("not XML"));
  CHECK_THAT(mistake("<a>"), Catch::Contains("not XML"));
  CHECK_THAT(mistake("<a/><b/>"), Catch::Contains("not XML: a second root element"));
  CHECK_THAT(mistake(std::string("<a>\0</a>", 8)), Catch::Contains("a byte that is 0 (at byte 3)"));
}

TEST_CASE("document types and their entities are refused", "[aws]") {
  CHECK_THAT(mistake("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"),
             Catch::Contains("a document type, which is not accepted"));
  CHECK(parse_xml("<a>&x;</a>").text == "&x;");
}

TEST_CASE("depth and size have limits", "[aws]") {
  CHECK(mistake(nested(64)).empty());
  CHECK_THAT(mistake(nested(65)), Catch::Contains("too many elements inside each other"));
  CHECK_THAT(mistake(nested(100'000)), Catch::Contains("too many elements inside each other"));
  CHECK_THAT(mistake("<a>" + std::string(17u << 20, 'x') + "</a>"), Catch::Contains("XML of more than"));
}
