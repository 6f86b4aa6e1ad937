#include "base/regular_expression.hpp"

#include <re2/re2.h>

#include "base/error.hpp"

namespace mlops {
namespace {

// Bytes for the compiled expression and its search. A search whose states do not fit processes all instructions
// of the expression for each byte of the text, so this bounds its time, too.
constexpr std::int64_t most_memory = 256 << 10;

RE2::Options options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(most_memory);
  options.set_never_capture(true);
  return options;
}

const char* reason(RE2::ErrorCode code) {
  switch (code) {
    case RE2::NoError:
    case RE2::ErrorInternal:
      return "it cannot be compiled";
    case RE2::ErrorBadEscape:
      return "an escape that is not known";
    case RE2::ErrorBadCharClass:
      return "a class of characters that is not known";
    case RE2::ErrorBadCharRange:
      return "a range of characters that runs backwards";
    case RE2::ErrorMissingBracket:
      return "a `[` without `]`";
    case RE2::ErrorMissingParen:
      return "a `(` without `)`";
    case RE2::ErrorUnexpectedParen:
      return "a `)` without `(`";
    case RE2::ErrorTrailingBackslash:
      return "a backslash at its end";
    case RE2::ErrorRepeatArgument:
      return "nothing to repeat";
    case RE2::ErrorRepeatSize:
      return "a repetition of more than 1000 times";
    case RE2::ErrorRepeatOp:
      return "a repetition of a repetition";
    case RE2::ErrorBadPerlOp:
      return "look-around, or another group that is not known";
    case RE2::ErrorBadUTF8:
      return "it is no UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "the name of a group";
    case RE2::ErrorPatternTooLarge:
      return "it is too large";
    default:
      return "it cannot be read";
  }
}

}  // namespace

RegularExpression::RegularExpression(std::string_view expression)
    : compiled_(std::make_unique<RE2>(re2::StringPiece(expression.data(), expression.size()), options())) {
  if (!compiled_->ok()) throw Error(reason(compiled_->error_code()));
}

RegularExpression::~RegularExpression() = default;
RegularExpression::RegularExpression(RegularExpression&&) noexcept = default;
RegularExpression& RegularExpression::operator=(RegularExpression&&) noexcept = default;

bool RegularExpression::is_found_in(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

}  // namespace mlops
