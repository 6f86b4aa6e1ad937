// Regular expressions whose search is linear in the length of the text, whatever the expression is (RE2).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace mlops {

// RE2's syntax (https://github.com/google/re2/wiki/Syntax) over UTF-8: Perl's without look-around and back
// references; ^ and $ match the start and the end of the whole text.
class RegularExpression {
 public:
  // Error, which describes the mistake without quoting the expression, if it is invalid, or would take more
  // than 256 KiB.
  explicit RegularExpression(std::string_view expression);
  ~RegularExpression();
  RegularExpression(RegularExpression&&) noexcept;
  RegularExpression& operator=(RegularExpression&&) noexcept;

  // Whether a part of the text matches.
  bool is_found_in(std::string_view text) const;

 private:
  std::unique_ptr<re2::RE2> compiled_;
};

// The maximum text to search while somebody waits: the worst expression takes half a second for it.
inline constexpr std::size_t longest_searched = 64 << 10;  // bytes

// The hint in a message about an invalid expression.
inline constexpr auto regular_expression_hint =
    "they are as RE2 has them: without look-around and back references";

}  // namespace mlops
