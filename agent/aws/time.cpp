#include "aws/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace mlops::aws {
namespace {

namespace chrono = std::chrono;

struct Parts {
  int year, month, day, hour, minute, second;
};

Parts parts_of(Seconds moment) {
  const chrono::sys_seconds time{chrono::seconds(moment)};
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(time - day);
  return {int(date.year()),           int(unsigned(date.month())),  int(unsigned(date.day())),
          int(clock.hours().count()), int(clock.minutes().count()), int(clock.seconds().count())};
}

std::optional<Seconds> moment_of(const Parts& p) {
  const chrono::year_month_day date{chrono::year(p.year), chrono::month(unsigned(p.month)),
                                    chrono::day(unsigned(p.day))};
  const bool in_range = p.hour >= 0 && p.hour < 24 && p.minute >= 0 && p.minute < 60 && p.second >= 0 &&
                        p.second <= 60 && p.year >= 1970;
  if (!date.ok() || !in_range) return {};
  const auto day = chrono::sys_days(date).time_since_epoch();
  return chrono::duration_cast<chrono::seconds>(day).count() + p.hour * 3600 + p.minute * 60 + p.second;
}

// Takes `count` digits from the front of the text; absent if there are others.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return {};
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + count, number);
  if (error != std::errc() || end != text.data() + count || text[0] == '-') return {};
  text.remove_prefix(count);
  return number;
}

// Takes the fields of a pattern such as "Y-M-DTh:m:s" from the front of the text.
bool take(std::string_view& text, std::string_view pattern, Parts& parts) {
  for (const char c : pattern) {
    int* const field = c == 'Y'   ? &parts.year
                       : c == 'M' ? &parts.month
                       : c == 'D' ? &parts.day
                       : c == 'h' ? &parts.hour
                       : c == 'm' ? &parts.minute
                       : c == 's' ? &parts.second
                                  : nullptr;
    if (!field) {
      if (!text.starts_with(c)) return false;
      text.remove_prefix(1);
    } else if (const auto number = take_digits(text, c == 'Y' ? 4 : 2)) {
      *field = *number;
    } else {
      return false;
    }
  }
  return true;
}

// "Z", "UTC", "+02:00", "-0530" or nothing, in seconds east of Greenwich.
std::optional<Seconds> offset_of(std::string_view text) {
  if (text.empty() || text == "Z" || text == "UTC") return 0;
  const bool east = text[0] == '+';
  if (!east && text[0] != '-') return {};
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  if (text.starts_with(':')) text.remove_prefix(1);
  const auto minutes = take_digits(text, 2);
  if (!hours || !minutes || !text.empty()) return {};
  return (east ? 1 : -1) * (*hours * 3600 + *minutes * 60);
}

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

Seconds system_now() {
  const auto now = chrono::system_clock::now().time_since_epoch();
  return chrono::duration_cast<chrono::seconds>(now).count();
}

std::string basic_time(Seconds moment) {
  const Parts p = parts_of(moment);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", p.year, p.month, p.day, p.hour, p.minute, p.second);
}

std::string iso_time(Seconds moment) {
  const Parts p = parts_of(moment);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", p.year, p.month, p.day, p.hour, p.minute,
                     p.second);
}

std::optional<Seconds> parse_iso_time(std::string_view text) {
  Parts parts{};
  if (!take(text, "Y-M-DTh:m:s", parts)) return {};
  if (text.starts_with('.')) text.remove_prefix(std::min(text.find_first_not_of("0123456789", 1), text.size()));
  const auto offset = offset_of(text);
  const auto moment = moment_of(parts);
  if (!offset || !moment) return {};
  return *moment - *offset;
}

std::optional<Seconds> parse_http_date(std::string_view text) {
  const std::size_t comma = text.find(", ");
  if (comma == text.npos) return {};
  text.remove_prefix(comma + 2);
  Parts parts{};
  if (!take(text, "D ", parts)) return {};
  const auto month = std::find(months.begin(), months.end(), text.substr(0, 3));
  if (month == months.end()) return {};
  parts.month = static_cast<int>(month - months.begin()) + 1;
  text.remove_prefix(3);
  if (!take(text, " Y h:m:s ", parts)) return {};
  return text == "GMT" ? moment_of(parts) : std::nullopt;
}

}  // namespace mlops::aws
