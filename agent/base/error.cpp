#include "base/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace mlops {

Error::Error(std::string message, ErrorKind kind)
    : kind_(kind), message_(std::move(message)), text_(message_) {}

Error& Error::while_doing(std::string doing) {
  text_ = fmt::format("{}: {}", doing, text_);
  trace_.push_back(std::move(doing));
  return *this;
}

Error& Error::with_output(std::string output) {
  output_ = std::move(output);
  return *this;
}

Error system_error(std::string_view doing, int errno_value) {
  const bool denied = errno_value == EACCES || errno_value == EPERM;
  return Error(fmt::format("{}: {}", doing, std::generic_category().message(errno_value)),
               denied ? ErrorKind::denied : ErrorKind::other);
}

}  // namespace mlops
