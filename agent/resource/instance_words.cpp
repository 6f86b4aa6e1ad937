#include "resource/instance_words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domains/cloud/images.hpp"

namespace mlops {
namespace {

bool has_only(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

constexpr std::string_view hex_digits = "0123456789abcdef",
                           letters_and_digits = "abcdefghijklmnopqrstuvwxyz0123456789";

// "User initiated (2026-08-01 12:00:00 GMT)" -> "2026-08-01 12:00:00 GMT"
std::string time_in(const std::string& reason) {
  const auto open = reason.rfind('('), close = reason.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return "";
  return reason.substr(open + 1, close - open - 1);
}

}  // namespace

const char* to_text(CloudPower power) {
  switch (power) {
    case CloudPower::pending:
      return "starting";
    case CloudPower::running:
      return "running";
    case CloudPower::shutting_down:
      return "shutting down";
    case CloudPower::terminated:
      return "terminated";
    case CloudPower::stopping:
      return "stopping";
    case CloudPower::stopped:
      return "stopped";
  }
  return "?";
}

std::string describe_gone(const CloudInstances& instances) {
  const auto& gone = instances.gone;
  const std::string id = gone ? gone->id : instances.launched_here, time = gone ? time_in(gone->reason) : "";
  return id + (time.empty() ? ", gone" : ", gone since " + time);
}

std::string describe_price(const CloudOffer& offer) {
  std::string text;
  if (offer.hourly_running) text = fmt::format("${:.4f} per hour running", *offer.hourly_running);
  if (offer.monthly_stopped)
    text += fmt::format("{}${:.2f} per month stopped", text.empty() ? "" : ", ", *offer.monthly_stopped);
  return text;
}

bool is_image(std::string_view image) {
  return is_named_image(image) || (is_image_id(image) && has_only(image.substr(4), hex_digits));
}

bool is_instance_type(std::string_view type) {
  const auto dot = type.find('.');
  if (dot == 0 || dot == std::string_view::npos) return false;
  const auto good = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return c == '-' || letters_and_digits.find(c) != std::string_view::npos;
    });
  };
  return good(type.substr(0, dot)) && good(type.substr(dot + 1));
}

}  // namespace mlops
