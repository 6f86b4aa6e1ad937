// Tables of lists, as commands print them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mlops {

// One line a row: columns as wide as their widest cell, two blanks between them, none at the end. The rows have
// the same number of cells, which are printable.
std::vector<std::string> table_lines(const std::vector<std::vector<std::string>>& rows);

// "2026-01-31 08:15", in the local time zone; "" for 0. seconds: since the epoch.
std::string time_text(std::int64_t seconds);

}  // namespace mlops
