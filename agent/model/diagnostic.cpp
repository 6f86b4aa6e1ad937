#include "model/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/printable.hpp"
#include "base/utf8.hpp"

namespace mlops {
namespace {

constexpr std::size_t widest = 76;  // code points of a source line that are shown: 80 columns with indent and …
constexpr std::size_t before_caret = 45;  // of them before the caret, if the line is shortened
constexpr std::string_view replacement = "\xef\xbf\xbd";

struct Style {
  std::string_view place, error, note, caret, end;
};
constexpr Style uncoloured = {"", "", "", "", ""};
constexpr Style coloured = {"\033[1m", "\033[1;31m", "\033[1;36m", "\033[1;32m", "\033[0m"};

// The text's code points; invalid bytes and terminal control characters are replaced.
std::vector<std::string_view> shown_points(std::string_view text) {
  std::vector<std::string_view> points;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    const auto sequence = text.substr(i, std::max<std::size_t>(length, 1));
    const bool shown = length && (sequence == "\t" || !steers_terminal(code_point_of(sequence)));
    points.push_back(shown ? sequence : replacement);
    i += sequence.size();
  }
  return points;
}

std::string harmless(std::string_view text) {
  std::string out;
  for (const auto point : shown_points(text)) out += point;
  return out;
}

std::string_view line_of(const Source& source, std::uint32_t line) {
  std::string_view rest = source.text;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  for (std::uint32_t i = 1; i < line; ++i) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

void append_snippet(std::string& text, const Position& where, const Style& style) {
  const auto points = shown_points(line_of(*where.source, where.line));
  const std::size_t caret = std::min<std::size_t>(where.column ? where.column - 1 : 0, points.size());
  const bool cut = points.size() > widest;
  const std::size_t begin =
      cut && caret > before_caret ? std::min(caret - before_caret, points.size() - widest) : 0;
  const std::size_t end = cut ? begin + widest : points.size();
  std::string below = "  ";
  text += "  ";
  if (begin) {
    text += "…";
    below += ' ';
  }
  for (std::size_t i = begin; i < end; ++i) text += points[i];
  for (std::size_t i = begin; i < caret; ++i) below += points[i] == "\t" ? '\t' : ' ';
  if (end < points.size()) text += "…";
  text += fmt::format("\n{}{}^{}\n", below, style.caret, style.end);
}

void append_place(std::string& text, const Position& where, const Style& style, std::string_view kind,
                  std::string_view kind_style, std::string_view message) {
  if (where.source) {
    text += style.place;
    text += harmless(where.source->name);
    if (where.line) text += fmt::format(":{}:{}", where.line, where.column);
    text += fmt::format(":{} ", style.end);
  }
  text += fmt::format("{}{}:{} {}\n", kind_style, kind, style.end, harmless(message));
  if (where.source && where.line) append_snippet(text, where, style);
}

}  // namespace

std::string to_text(const Diagnostic& diagnostic, bool colour) {
  const Style& style = colour ? coloured : uncoloured;
  std::string text;
  append_place(text, diagnostic.where, style, "error", style.error, diagnostic.message);
  if (!diagnostic.hint.empty())
    text += fmt::format("  {}hint:{} {}\n", style.note, style.end, harmless(diagnostic.hint));
  if (!diagnostic.related_message.empty())
    append_place(text, diagnostic.related, style, "note", style.note, diagnostic.related_message);
  return text;
}

void Diagnostics::sort() {
  std::map<const Source*, std::size_t> rank;  // sources in the order of their first mistake
  for (const auto& d : list_) rank.try_emplace(d.where.source, rank.size());
  const auto place = [&](const Diagnostic& d) {
    return std::tuple(rank.at(d.where.source), d.where.line, d.where.column);
  };
  std::stable_sort(list_.begin(), list_.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  std::set<std::tuple<std::size_t, std::uint32_t, std::uint32_t, std::string, std::string>> seen;
  std::erase_if(list_, [&](const Diagnostic& d) {
    return !seen.insert(std::tuple_cat(place(d), std::tuple(d.message, d.hint))).second;
  });
}

}  // namespace mlops
