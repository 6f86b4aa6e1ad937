#include "base/text_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <dtl/dtl.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/utf8.hpp"

namespace mlops {
namespace {

constexpr std::size_t most_bytes = 4 << 20;
constexpr std::size_t most_lines = 20'000;
constexpr std::size_t context = 3;

using Lines = std::vector<std::string_view>;  // each with its newline, except a last one that has none

bool is_text(std::string_view text) {
  return text.size() <= most_bytes && text.find('\0') == text.npos && find_invalid_utf8(text) == text.npos;
}

Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

// The result for each line.
struct Fate {
  std::vector<bool> removed, added;  // of before, of after
};

// Lines as numbers: equal ones have equal numbers.
struct Numbered {
  std::vector<int> before, after;
};

Numbered number(const Lines& before, const Lines& after) {
  std::unordered_map<std::string_view, int> known;
  const auto number_of = [&](std::string_view line) {
    return known.try_emplace(line, static_cast<int>(known.size())).first->second;
  };
  Numbered n;
  for (const auto line : before) n.before.push_back(number_of(line));
  for (const auto line : after) n.after.push_back(number_of(line));
  return n;
}

// The positions of lines that the other side has too. All others are removed or added in any case: leaving them
// out keeps the comparison of very different texts fast.
std::vector<std::size_t> shared(const std::vector<int>& lines, const std::vector<int>& others) {
  std::vector<int> sorted = others;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (std::binary_search(sorted.begin(), sorted.end(), lines[i])) places.push_back(i);
  return places;
}

std::vector<int> pick(const std::vector<int>& lines, const std::vector<std::size_t>& places) {
  std::vector<int> picked;
  for (const std::size_t i : places) picked.push_back(lines[i]);
  return picked;
}

Fate compare(const Lines& old_lines, const Lines& new_lines) {
  Fate fate{std::vector<bool>(old_lines.size(), true), std::vector<bool>(new_lines.size(), true)};
  if (old_lines.empty() || new_lines.empty()) return fate;
  const Numbered n = number(old_lines, new_lines);
  const auto before = shared(n.before, n.after), after = shared(n.after, n.before);
  if (before.empty()) return fate;
  dtl::Diff<int> diff(pick(n.before, before), pick(n.after, after));
  diff.compose();
  std::size_t i = 0, j = 0;
  for (const auto& [line, step] : diff.getSes().getSequence()) {
    if (step.type == dtl::SES_COMMON) fate.removed[before[i]] = fate.added[after[j]] = false;
    i += step.type != dtl::SES_ADD;
    j += step.type != dtl::SES_DELETE;
  }
  return fate;
}

// Lines [before, before_end) become lines [after, after_end).
struct Block {
  std::size_t before, before_end, after, after_end;
};

std::vector<Block> blocks(const Fate& fate) {
  std::vector<Block> list;
  std::size_t i = 0, j = 0;
  while (i < fate.removed.size() || j < fate.added.size()) {
    Block b{i, i, j, j};
    while (b.before_end < fate.removed.size() && fate.removed[b.before_end]) ++b.before_end;
    while (b.after_end < fate.added.size() && fate.added[b.after_end]) ++b.after_end;
    if (b.before_end != i || b.after_end != j) list.push_back(b);
    i = b.before_end + 1;  // and the common line after it
    j = b.after_end + 1;
  }
  return list;
}

void append_lines(std::string& text, char mark, const Lines& lines, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    text += mark;
    text += lines[i];
    if (!lines[i].ends_with('\n')) text += "\n\\ No newline at end of file\n";
  }
}

// As in diff(1): the count is omitted if it is 1; an empty range names the line before it.
std::string range(std::size_t begin, std::size_t end) {
  if (end - begin == 1) return fmt::format("{}", begin + 1);
  return fmt::format("{},{}", begin == end ? begin : begin + 1, end - begin);
}

// Blocks [first, last) that share their context.
void append_hunk(std::string& text, const Lines& before, const Lines& after, const Block* first,
                 const Block* last) {
  const Block& end = last[-1];
  const std::size_t lead = std::min(context, first->before);
  const std::size_t tail = std::min(context, before.size() - end.before_end);
  text += fmt::format("@@ -{} +{} @@\n", range(first->before - lead, end.before_end + tail),
                      range(first->after - lead, end.after_end + tail));
  std::size_t i = first->before - lead;
  for (const Block* b = first; b != last; ++b) {
    append_lines(text, ' ', before, i, b->before);
    append_lines(text, '-', before, b->before, b->before_end);
    append_lines(text, '+', after, b->after, b->after_end);
    i = b->before_end;
  }
  append_lines(text, ' ', before, i, i + tail);
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after) {
  if (before == after || !is_text(before) || !is_text(after)) return "";
  const Lines old_lines = split(before), new_lines = split(after);
  if (std::max(old_lines.size(), new_lines.size()) > most_lines) return "";
  const auto changed = blocks(compare(old_lines, new_lines));
  std::string text;
  for (const Block *b = changed.data(), *end = b + changed.size(); b != end;) {
    const Block* last = b + 1;
    while (last != end && last->before - last[-1].before_end <= 2 * context) ++last;
    append_hunk(text, old_lines, new_lines, b, last);
    b = last;
  }
  return text;
}

namespace {

// "@@ -1,2 +3 @@" -> "@@ -3 +1,2 @@"
std::string reversed_head(std::string_view line) {
  const std::size_t minus = line.find('-'), plus = line.find('+'), end = line.rfind(" @@");
  if (minus == std::string_view::npos || plus == std::string_view::npos || end == std::string_view::npos ||
      plus > end)
    return std::string(line);
  return fmt::format("@@ -{} +{} @@\n", line.substr(plus + 1, end - plus - 1),
                     line.substr(minus + 1, plus - minus - 2));
}

}  // namespace

// In each block of changed lines, removals come first.
std::string reversed_diff(std::string_view diff) {
  std::string text, added;
  char last = ' ';
  while (!diff.empty()) {
    const std::string_view line = diff.substr(0, std::min(diff.find('\n'), diff.size() - 1) + 1);
    diff.remove_prefix(line.size());
    const char kind = line.front() == '\\' ? last : line.front();  // a note belongs to the line before it
    if (kind != '-' && kind != '+') text += std::exchange(added, "");
    if (line.front() == '\\')
      (kind == '-' ? added : text) += line;
    else if (kind == '-')
      (added += '+') += line.substr(1);
    else if (kind == '+')
      (text += '-') += line.substr(1);
    else
      text += kind == '@' ? reversed_head(line) : std::string(line);
    last = kind;
  }
  return text + added;
}

}  // namespace mlops
