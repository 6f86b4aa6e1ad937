// Formats commands for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// One word quoted for a POSIX shell: unchanged if it is plain, else in single quotes. Control bytes are shown
// as $'\n' and the like.
std::string shell_word(std::string_view word);
// All words, separated by a space.
std::string command_line(const std::vector<std::string>& argv);
// The same, shortened to about `columns` bytes, with "…" where something is left out.
std::string short_command_line(const std::vector<std::string>& argv, std::size_t columns = 60);
// "500 ms", "30 s", "5 min", "2 h".
std::string duration_text(std::uint64_t ms);
// Up to that many last lines of a text, without the newline at its end.
std::string last_lines(std::string_view text, std::size_t count = 20);

}  // namespace mlops
