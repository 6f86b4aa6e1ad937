// A text that must not be shown.
#pragma once

#include <string.h>

#include <string>
#include <utility>

namespace mlops::aws {

// No stream, formatter or conversion takes it; whoever needs the text asks for it by name. Its memory is
// overwritten at the end.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) noexcept = default;
  ~Secret() { ::explicit_bzero(text_.data(), text_.size()); }

  bool empty() const { return text_.empty(); }
  const std::string& reveal() const { return text_; }

 private:
  std::string text_;
};

}  // namespace mlops::aws
