// Edits the text of an ssh_config(5) file: finds, changes or removes one Host block, and keeps everything else
// byte for byte. Included files are not read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// The desired content of a block. values: as they are written after the keyword; several for a keyword that ssh
// collects (is_collected); none: no such line.
struct SshOption {
  std::string keyword;
  std::vector<std::string> values;
  friend bool operator==(const SshOption&, const SshOption&) = default;
};

// The keyword in the spelling of OpenSSH's ssh_config(5) (up to 9.9), ignoring case; absent for an unknown one.
// Host, Match and Include begin or end blocks and are not included.
std::optional<std::string_view> ssh_keyword(std::string_view word);
// All of them, for suggestions.
std::vector<std::string_view> ssh_keywords();
// Whether a line with this keyword and value would be read back unchanged: the keyword is one word that begins
// no block and includes no other file, the value has one line, and no part of it is read as a comment.
bool is_ssh_line(std::string_view keyword, std::string_view value);
// Whether every line of the keyword counts; for the others ssh uses the first.
bool is_collected(std::string_view keyword);

// Whether the file has a block of that host alone.
bool has_ssh_host(std::string_view text, std::string_view host);
// The current values in the host's block for each of the keywords of wanted, in order.
std::vector<SshOption> ssh_host_options(std::string_view text, std::string_view host,
                                        const std::vector<SshOption>& wanted);

// The text with the desired block of the host; the block's other lines stay. A new block is inserted before
// the first one that the host matches as well (Host *), since ssh takes the first value that it obtains.
//
// Errors begin with name (of the file) and the line: a Host line that names the host among others, and a value
// that comes before the block and would override it.
std::string with_ssh_host(std::string_view text, std::string_view host, const std::vector<SshOption>& wanted,
                          std::string_view name);
// The text without the host's blocks; identical to the one before with_ssh_host added one. The first of the
// errors above.
std::string without_ssh_host(std::string_view text, std::string_view host, std::string_view name);

}  // namespace mlops
