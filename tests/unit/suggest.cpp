#include "base/suggest.hpp"

#include "support/catch.hpp"

using namespace mlops;

TEST_CASE("the distance counts insertions, deletions, substitutions and swaps of adjacent characters") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("name", "nmae") == 1);
  CHECK(edit_distance("name", "names") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") == 3);  // optimal string alignment: no edit within a swap
}

TEST_CASE("the nearest word is suggested, if one is near") {
  const std::vector<std::string> words = {"content", "source", "mode", "owner", "group"};
  CHECK(nearest("mdoe", words) == "mode");
  CHECK(nearest("contnet", words) == "content");
  CHECK(nearest("grup", words) == "group");
  CHECK(nearest("permissions", words).empty());
  CHECK(nearest("", words).empty());
  CHECK(nearest("x", {"y"}).empty());
}

TEST_CASE("case alone never counts as far") {
  CHECK(nearest("STATE", {"stage", "state"}) == "state");
  CHECK(nearest("ID", {"id"}) == "id");
  CHECK(nearest("Mode", {"MODE", "mode"}) == "mode");
}

TEST_CASE("the first of equally near words is taken") { CHECK(nearest("cat", {"car", "can"}) == "car"); }

TEST_CASE("the question is asked only when there is something to suggest") {
  CHECK(did_you_mean("nme", {"name"}) == "did you mean `name`?");
  CHECK(did_you_mean("zebra", {"name"}).empty());
}
