#include "domains/packages/apt_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/edit_distance.hpp"

namespace mlops {
namespace {

template <class F>
void each_line(std::string_view text, F read) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    read(line);
  }
}

std::string_view between(std::string_view text, char open, char close) {
  const auto from = text.find(open);
  if (from == std::string_view::npos) return {};
  const auto to = text.find(close, from + 1);
  return to == std::string_view::npos ? std::string_view() : text.substr(from + 1, to - from - 1);
}

// apt writes "jq:amd64" as "jq" if amd64 is native.
bool same_name(const std::string& wanted, const std::string& name) {
  return wanted == name || wanted.substr(0, wanted.find(':')) == name;
}

std::size_t rank(const PackageChange& change, const std::vector<std::string>& wanted) {
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (same_name(parse_wanted(wanted[i]).name, change.name)) return i;
  return wanted.size();
}

bool is_status_line(std::string_view line) {
  for (const std::string_view prefix : {"dlstatus:", "pmstatus:", "pmerror:", "pmconffile:", "media-change:"})
    if (line.starts_with(prefix)) return true;
  return false;
}

}  // namespace

WantedPackage parse_wanted(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

// Inst bash [5.2.15-2+b2] (5.2.15-2+b7 Debian:12.5/stable [amd64])      Remv jq [1.6-2.1]
std::vector<PackageChange> parse_simulation(std::string_view output, const std::vector<std::string>& wanted) {
  std::vector<PackageChange> changes;
  each_line(output, [&](std::string_view line) {
    const bool install = line.starts_with("Inst "),
               remove = line.starts_with("Remv ") || line.starts_with("Purg ");
    if (!install && !remove) return;
    line.remove_prefix(5);
    PackageChange change{std::string(line.substr(0, line.find(' '))), "", ""};
    line.remove_prefix(std::min(change.name.size() + 1, line.size()));
    if (line.starts_with('[')) change.version_before = between(line, '[', ']');
    if (install) {
      const std::string_view after = between(line, '(', ')');
      change.version_after = after.substr(0, after.find(' '));
    }
    const auto same = [&](const PackageChange& c) { return c.name == change.name; };
    if (std::none_of(changes.begin(), changes.end(), same)) changes.push_back(std::move(change));
  });
  std::sort(changes.begin(), changes.end(), [&](const PackageChange& a, const PackageChange& b) {
    return std::pair(rank(a, wanted), a.name) < std::pair(rank(b, wanted), b.name);
  });
  return changes;
}

std::vector<std::string> parse_unknown(std::string_view output, const std::vector<std::string>& wanted) {
  std::vector<std::string> unknown;
  const auto note = [&](const auto& matches) {
    for (const std::string& text : wanted)
      if (matches(parse_wanted(text)) && std::find(unknown.begin(), unknown.end(), text) == unknown.end())
        unknown.push_back(text);
  };
  each_line(output, [&](std::string_view line) {
    if (line.starts_with("E: Unable to locate package ")) {
      const std::string name(line.substr(28));
      note([&](const WantedPackage& w) { return same_name(w.name, name) || w.name == name; });
    } else if (line.starts_with("E: Package '") && line.find("' has no installation candidate") != line.npos) {
      const std::string name(between(line, '\'', '\''));
      note([&](const WantedPackage& w) { return same_name(w.name, name); });
    } else if (line.starts_with("E: Version '") && line.find("' was not found") != line.npos) {
      const std::string version(between(line, '\'', '\''));
      const std::string name(between(line.substr(line.find("' for ") + 1), '\'', '\''));
      note([&](const WantedPackage& w) { return w.version == version && same_name(w.name, name); });
    }
  });
  return unknown;
}

// 'http://…/tree_2.1.0-1_amd64.deb' tree_2.1.0-1_amd64.deb 52464 MD5Sum:…
std::uint64_t parse_uris(std::string_view output) {
  std::uint64_t bytes = 0;
  each_line(output, [&](std::string_view line) {
    if (!line.starts_with('\'')) return;
    const auto close = line.find("' ");
    if (close == std::string_view::npos) return;
    const auto space = line.find(' ', close + 2);
    if (space == std::string_view::npos) return;
    std::uint64_t size = 0;
    if (std::from_chars(line.data() + space + 1, line.data() + line.size(), size).ec == std::errc())
      bytes += size;
  });
  return bytes;
}

std::map<std::string, std::string> parse_policy(std::string_view output) {
  std::map<std::string, std::string> candidates;
  std::string name;
  each_line(output, [&](std::string_view line) {
    if (!line.empty() && line[0] != ' ' && line.ends_with(':')) name = line.substr(0, line.size() - 1);
    if (name.empty() || !line.starts_with("  Candidate: ")) return;
    const std::string_view version = line.substr(13);
    candidates[name] = version == "(none)" ? "" : version;
  });
  return candidates;
}

std::set<std::string> parse_automatic(std::string_view states) {
  std::set<std::string> names;
  std::string name, architecture;
  each_line(states, [&](std::string_view line) {
    const auto value = [&](std::string_view field) { return std::string(line.substr(field.size())); };
    constexpr std::string_view package = "Package: ", arch = "Architecture: ";
    if (line.starts_with(package)) name = value(package);
    if (line.starts_with(arch)) architecture = value(arch);
    if (line == "Auto-Installed: 1") names.insert(name + ":" + architecture);
  });
  return names;
}

// apt says it twice:   Err:1 http://host suite InRelease        W: Failed to fetch http://host/…/InRelease
// cause
std::string parse_fetch_failure(std::string_view output) {
  std::string failure;
  each_line(output, [&](std::string_view line) {
    if (!failure.empty() ||
        !(line.starts_with("W: Failed to fetch ") || line.starts_with("E: Failed to fetch ")))
      return;
    const std::string_view rest = line.substr(19);
    const auto gap = rest.find("  ");
    failure = std::string(rest.substr(0, gap));
    if (gap == std::string_view::npos) return;
    const std::string_view cause = rest.substr(gap);
    failure += fmt::format(": {}", cause.substr(std::min(cause.find_first_not_of(' '), cause.size())));
  });
  if (!failure.empty()) return failure;
  each_line(output, [&](std::string_view line) {
    const bool bad = line.starts_with("Err:") || line.starts_with("E: The repository ") ||
                     line.starts_with("W: GPG error: ") || line.starts_with("W: The repository ");
    if (failure.empty() && bad) failure = line.substr(line.find(' ') + 1);
  });
  return failure;
}

std::string without_status_lines(std::string_view output) {
  std::string text;
  bool notice = false;
  each_line(output, [&](std::string_view line) {
    if (line.starts_with("NOTE: This is only a simulation!")) {
      notice = true;
      return;
    }
    notice = notice && line.starts_with("      ");
    if (!notice && !is_status_line(line)) text += fmt::format("{}\n", line);
  });
  return text;
}

std::string error_lines(std::string_view output) {
  std::string text;
  int count = 0;
  each_line(output, [&](std::string_view line) {
    if (!line.starts_with("E: ") || ++count > 3) return;
    text += fmt::format("{}{}", text.empty() ? "" : "; ", line.substr(3));
  });
  return text;
}

// dlstatus:1:12.5:Retrieving file 1 of 4 (3s remaining)      pmstatus:jq:45.5:Unpacking jq (amd64)
std::optional<AptStatus> parse_status_line(std::string_view line) {
  AptStatus status;
  status.downloading = line.starts_with("dlstatus:");
  if (!status.downloading && !line.starts_with("pmstatus:")) return {};
  // The package's name may contain a colon itself ("pmstatus:libc6:i386:…"): the percentage is the first number
  // after it.
  line.remove_prefix(9);
  for (auto colon = line.find(':'); colon != std::string_view::npos; colon = line.find(':', colon + 1)) {
    const auto next = line.find(':', colon + 1);
    if (next == std::string_view::npos) return {};
    const auto [end, error] = std::from_chars(line.data() + colon + 1, line.data() + next, status.percent);
    if (error != std::errc() || end != line.data() + next) continue;
    status.text = line.substr(next + 1);
    return status;
  }
  return {};
}

std::vector<std::string> nearest_names(const std::string& name, const std::vector<std::string>& known) {
  const std::size_t limit = std::max<std::size_t>(1, std::min<std::size_t>(name.size() / 3, 4));
  std::vector<std::pair<std::size_t, std::string>> found;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance_within(name, candidate, limit);
    if (distance <= limit) found.emplace_back(distance, candidate);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<std::string> names;
  for (const auto& [distance, candidate] : found)
    if (names.size() < 5) names.push_back(candidate);
  return names;
}

}  // namespace mlops
