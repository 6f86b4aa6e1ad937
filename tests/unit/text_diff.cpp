#include "base/text_diff.hpp"

#include <random>
#include <sstream>
#include <vector>

#include "support/catch.hpp"

using namespace mlops;

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find('\n', i), text.size() - 1) + 1;
    lines.push_back(text.substr(i, end - i));
    i = end;
  }
  return lines;
}

// What patch(1) makes of it, for texts that end with a newline.
std::string patched(const std::string& before, const std::string& diff) {
  const auto lines = split(before);
  std::string out;
  std::size_t at = 0;
  for (const std::string& line : split(diff)) {
    if (line.starts_with("@@")) {
      const std::size_t comma = line.find_first_of(", ", 4);
      const std::size_t count = line[comma] == ',' ? std::stoul(line.substr(comma + 1)) : 1;
      const std::size_t begin = std::stoul(line.substr(4)) - (count ? 1 : 0);
      while (at < begin) out += lines.at(at++);
    } else {
      if (line[0] != '+') REQUIRE(lines.at(at++) == line.substr(1));
      if (line[0] != '-') out += line.substr(1);
    }
  }
  while (at < lines.size()) out += lines.at(at++);
  return out;
}

std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += std::to_string(i) + "\n";
  return text;
}

}  // namespace

TEST_CASE("equal texts have no difference") {
  CHECK(unified_diff("", "").empty());
  CHECK(unified_diff("a\n", "a\n").empty());
}

TEST_CASE("a change stands in three lines of context") {
  std::string after = numbered(1, 9);
  after.replace(after.find("5\n"), 2, "five\n");
  CHECK(unified_diff(numbered(1, 9), after) == "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST_CASE("changes six lines apart share a hunk, seven lines apart do not") {
  const auto change = [](int second) {
    std::string after;
    for (int i = 1; i <= 20; ++i) after += (i == 4 || i == second ? "x" : "") + std::to_string(i) + "\n";
    const std::string diff = unified_diff(numbered(1, 20), after);
    std::size_t hunks = 0;
    for (std::size_t i = 0; (i = diff.find("@@ -", i)) != diff.npos; ++i) ++hunks;
    return hunks;
  };
  CHECK(change(11) == 1);
  CHECK(change(12) == 2);
}

TEST_CASE("a new or emptied text is all one hunk") {
  CHECK(unified_diff("", "a\nb\n") == "@@ -0,0 +1,2 @@\n+a\n+b\n");
  CHECK(unified_diff("a\n", "") == "@@ -1 +0,0 @@\n-a\n");
}

TEST_CASE("a missing newline at the end is marked as diff(1) does") {
  CHECK(unified_diff("a", "a\n") == "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
  CHECK(unified_diff("a\n", "a") == "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
  CHECK(unified_diff("a\nb", "c\nb") == "@@ -1,2 +1,2 @@\n-a\n+c\n b\n\\ No newline at end of file\n");
}

TEST_CASE("what is no text has no difference to show") {
  CHECK(unified_diff("a\n", std::string("a\0b", 3)).empty());
  CHECK(unified_diff("\xff", "a\n").empty());
  CHECK(unified_diff("", std::string((4 << 20) + 1, 'x')).empty());
  std::string many;
  for (int i = 0; i < 20001; ++i) many += "x\n";
  CHECK(unified_diff("", many).empty());
}

TEST_CASE("the largest texts are compared too, however different they are") {
  std::string odd, even;
  for (int i = 0; i < 20000; ++i) {
    odd += std::to_string(i % 7 + i % 11) + "\n";
    even += std::to_string(i % 13 + i % 5) + "\n";
  }
  CHECK(patched(odd, unified_diff(odd, even)) == even);
  CHECK(patched(numbered(1, 20000), unified_diff(numbered(1, 20000), numbered(30001, 50000))) ==
        numbered(30001, 50000));
}

TEST_CASE("applying the difference to the old text gives the new one") {
  std::mt19937 random(1);
  const auto some = [&] {
    std::string text;
    for (auto n = random() % 30; n > 0; --n)
      text += std::string(1, static_cast<char>('a' + random() % 5)) + "\n";
    return text;
  };
  for (int i = 0; i < 2000; ++i) {
    const std::string before = some(), after = some();
    const std::string diff = unified_diff(before, after);
    INFO(before << "----\n" << after << "----\n" << diff);
    REQUIRE(diff.empty() == (before == after));
    REQUIRE(patched(before, diff) == after);
  }
}

TEST_CASE("a diff reversed is that of the texts the other way round") {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"", "one\n"},
      {"a\nb\nc\n", "a\nB\nc\n"},
      {"a\nb", "a\nb\n"},
      {"x\n", "x\ny"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n3\n4\n5\n6\n7\n8\nnine\n"}};
  for (const auto& [before, after] : pairs) {
    CHECK(mlops::reversed_diff(mlops::unified_diff(before, after)) == mlops::unified_diff(after, before));
    CHECK(mlops::reversed_diff(mlops::unified_diff(after, before)) == mlops::unified_diff(before, after));
  }
}
