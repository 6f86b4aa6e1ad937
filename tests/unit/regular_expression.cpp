#include "base/regular_expression.hpp"

#include <chrono>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {

std::string mistake(const std::string& expression) {
  try {
    RegularExpression compiled(expression);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("an expression is found anywhere in a text, and ^ and $ anchor it to the ends") {
  CHECK(RegularExpression("b+").is_found_in("abbc"));
  CHECK_FALSE(RegularExpression("^b+").is_found_in("abbc"));
  CHECK(RegularExpression("^a.*c$").is_found_in("abbc"));
  CHECK(RegularExpression("^\\d{2}\\.04$").is_found_in("24.04"));
  CHECK(RegularExpression("(?i)UBUNTU|debian").is_found_in("Ubuntu"));
  CHECK(RegularExpression("^.$").is_found_in("\xc3\xa4"));
  CHECK(RegularExpression("").is_found_in(""));
}

TEST_CASE("what is no expression says why") {
  CHECK(mistake("(") == "a `(` without `)`");
  CHECK(mistake(")") == "a `)` without `(`");
  CHECK(mistake("[a") == "a `[` without `]`");
  CHECK(mistake("*") == "nothing to repeat");
  CHECK(mistake("a{2000}") == "a repetition of more than 1000 times");
  CHECK(mistake("(?=x)") == "look-around, or another group that is not known");
  CHECK(mistake("(a)\\1") == "an escape that is not known");
  CHECK(mistake("(a{1000}){1000}") != "");
}

TEST_CASE("no expression takes much longer for a text than another, however it nests and repeats") {
  const std::string text(longest_searched, 'a');
  const std::string deep = std::string(20'000, '(') + "b" + std::string(20'000, ')');
  for (const std::string& expression :
       {std::string("(a+)+b"), std::string("(a|aa)+b"), std::string("(a*)*(a*)*b"),
        std::string("^(([a-z])+.)+[A-Z]([a-z])+$"), deep}) {
    const auto begin = std::chrono::steady_clock::now();
    CAPTURE(expression.substr(0, 30));
    try {
      CHECK_FALSE(RegularExpression(expression).is_found_in(text));
    } catch (const Error&) {  // too large is an answer, too
    }
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));  // backtracking: years
  }
}
