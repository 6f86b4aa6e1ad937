#include "state/run_id.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>

#include "base/error.hpp"

namespace mlops {
namespace {

constexpr std::size_t length = 36;

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) throw system_error("cannot get random numbers", errno);
  return bits;
}

std::uint64_t now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

}  // namespace

std::string new_run_id(std::string_view last) {
  const std::uint64_t at = std::max(now(), last.empty() ? 0 : time_of_run_id(last) + 1);
  const std::uint64_t a = random_bits(), b = random_bits();
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", (at >> 16) & 0xffffffff, at & 0xffff, a & 0xfff,
                     0x8000 | (b >> 50), b & 0xffffffffffff);
}

std::uint64_t time_of_run_id(std::string_view id) {
  if (id.size() != length || id[8] != '-' || id[14] != '7') return 0;
  const std::string digits = std::string(id.substr(0, 8)) + std::string(id.substr(9, 4));
  std::uint64_t at = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), at, 16);
  return error == std::errc() && end == digits.data() + digits.size() ? at : 0;
}

}  // namespace mlops
