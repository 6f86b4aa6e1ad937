// Formats values, changes, times and sizes for people. Shared by the reporters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/printable.hpp"
#include "model/change.hpp"

namespace mlops {

// A value as part of a sentence, printable, shortened to limit code points: texts bare ("" if empty), yes and
// no, none for null, lists with commas, objects as JSON.
std::string describe(const Value& value, std::size_t limit);

// A change in a few words: "create", "mode 0600 → 0644", "content +3 −1", "groups + docker", "docker.io
// 24.0.5". Values are shortened to limit code points; sensitive ones are ***.
std::string describe(const Change& change, std::size_t limit);

// Whether it is about a package that is removed because of others.
bool goes_along(const Change& change);

// "9,998"
std::string grouped(std::uint64_t number);
// "0.004 s", "0.04 s", "31.2 s", "2 min 05 s", "1 h 02 min"
std::string duration(double seconds);
// Decimal units: "512 B", "61.0 MB"
std::string byte_size(std::uint64_t bytes);

}  // namespace mlops
