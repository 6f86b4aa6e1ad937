#include "domains/downloads/checksum_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/trimmed.hpp"

namespace mlops {
namespace {

constexpr std::string_view blank = " \t\r";

// sha256sum escapes \ and newlines in names, and marks such a line with a leading backslash.
std::string unescape(std::string_view name) {
  std::string s;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && i + 1 < name.size()) {
      ++i;
      s += name[i] == 'n' ? '\n' : name[i] == 'r' ? '\r' : name[i];
    } else {
      s += name[i];
    }
  }
  return s;
}

std::optional<ListedDigest> parse_bsd(std::string_view line) {
  const auto open = line.find('('), close = line.rfind(')');
  if (trimmed(line.substr(0, open), blank) != "SHA256" || open == line.npos || close == line.npos ||
      close < open)
    return {};
  const std::string_view rest = trimmed(line.substr(close + 1), blank);
  if (!rest.starts_with('=') || !is_sha256(trimmed(rest.substr(1), blank))) return {};
  return ListedDigest{lower_hex(trimmed(rest.substr(1), blank)),
                      std::string(line.substr(open + 1, close - open - 1))};
}

std::optional<ListedDigest> parse_line(std::string_view line) {
  const bool escaped = line.starts_with('\\');
  if (escaped) line.remove_prefix(1);
  if (line.starts_with("SHA256")) return parse_bsd(line);
  const std::string_view digest = line.substr(0, line.find_first_of(blank));
  if (!is_sha256(digest)) return {};
  std::string_view name = trimmed(line.substr(digest.size()), blank);
  if (name.starts_with('*')) name.remove_prefix(1);
  return ListedDigest{lower_hex(digest), escaped ? unescape(name) : std::string(name)};
}

// The only digest that the rule accepts; absent if it accepts none.
std::optional<std::string> only(const std::vector<ListedDigest>& listed, const std::string& file_name,
                                const std::function<bool(const ListedDigest&)>& rule) {
  std::optional<std::string> found;
  for (const ListedDigest& d : listed) {
    if (!rule(d)) continue;
    if (found && *found != d.sha256) throw Error(fmt::format("it lists several SHA-256 for {}", file_name));
    found = d.sha256;
  }
  return found;
}

}  // namespace

std::vector<ListedDigest> parse_checksum_file(std::string_view text) {
  std::vector<ListedDigest> listed;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (auto digest = parse_line(trimmed(text.substr(0, end), blank))) listed.push_back(std::move(*digest));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return listed;
}

std::string find_sha256(const std::vector<ListedDigest>& listed, const std::string& file_name) {
  if (listed.empty()) throw Error("it lists no SHA-256");
  if (auto d = only(listed, file_name, [&](const auto& l) { return l.name == file_name; })) return *d;
  const std::string suffix = "/" + file_name;
  if (auto d = only(listed, file_name, [&](const auto& l) { return l.name.ends_with(suffix); })) return *d;
  if (listed.size() == 1 && listed[0].name.empty()) return listed[0].sha256;
  throw Error(fmt::format("it does not list {}", file_name));
}

}  // namespace mlops
