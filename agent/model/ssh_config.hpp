// The text of an ssh_config(5) file: one Host block is found, edited in place or removed, and all else is kept
// byte for byte. Files that it includes are not looked into.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// What a block is to say. values are as they stand behind the keyword in the file; several for a keyword that
// ssh collects (is_collected); none: no such line.
struct SshOption {
  std::string keyword;
  std::vector<std::string> values;
  friend bool operator==(const SshOption&, const SshOption&) = default;
};

// The keyword as ssh_config(5) of OpenSSH (up to 9.9) spells it, whatever its case; absent when it has none
// such. Host, Match and Include begin or end blocks and are none.
std::optional<std::string_view> ssh_keyword(std::string_view word);
// All of them, for suggestions.
std::vector<std::string_view> ssh_keywords();
// Whether a line with this keyword and value is read back as they are: the keyword is one word that begins no block and
// takes no other file in, the value is of one line, and no part of it is taken for a comment.
bool is_ssh_line(std::string_view keyword, std::string_view value);
// Whether every line of the keyword counts; of the others ssh takes the first.
bool is_collected(std::string_view keyword);

// Whether the file has a block of that host alone.
bool has_ssh_host(std::string_view text, std::string_view host);
// What the host's block says now for each of the keywords of wanted, in their order.
std::vector<SshOption> ssh_host_options(std::string_view text, std::string_view host,
                                        const std::vector<SshOption>& wanted);

// The text with a block of the host that says what is wanted; its other lines stay. A new block stands before
// the first one that the host matches as well (Host *), since ssh takes the first value that it obtains.
//
// Errors begin with name (of the file) and the line: a Host line that names the host beside others, and a value
// that comes before the block and would win.
std::string with_ssh_host(std::string_view text, std::string_view host, const std::vector<SshOption>& wanted,
                          std::string_view name);
// The text without the host's blocks; as it was before with_ssh_host made one. The first of the errors above.
std::string without_ssh_host(std::string_view text, std::string_view host, std::string_view name);

}  // namespace mlops
