#include "report/live_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "model/wording.hpp"

namespace mlops {
namespace {

constexpr std::size_t most_live_lines = 8;

}  // namespace

void LiveLines::start(const std::string& host, const std::string& label, Time at) {
  doing_[host] = {true, label, "", at, {}, 0, 0, 0};
}

void LiveLines::progress(const ProgressMade& made, Time at) {
  Doing& doing = doing_[made.host];
  if (!doing.active || made.doing != doing.doing || made.label != doing.label) {
    if (!doing.active || made.label != doing.label) doing.since = at;
    doing.active = true;
    doing.label = made.label;
    doing.doing = made.doing;
    doing.doing_since = at;
    doing.first = made.done;
  }
  doing.done = made.done;
  doing.total = made.total;
}

std::size_t LiveLines::slow(Time at) const {
  return static_cast<std::size_t>(std::count_if(doing_.begin(), doing_.end(), [&](const auto& entry) {
    return entry.second.active && at - entry.second.since >= patience;
  }));
}

bool LiveLines::is_due(Time at) const { return at - drawn_at_ >= patience && slow(at) > 0; }

void LiveLines::erase() {
  if (drawn_) std::fputs("\r\x1b[K", out_);
  for (; drawn_ > 1; --drawn_) std::fputs("\x1b[1A\x1b[K", out_);
  drawn_ = 0;
}

void LiveLines::draw(const Standing& standing, Time at) {
  const std::size_t all = slow(at), width = paper_.width() > 0 ? paper_.width() : 80;
  if (drawn_ > 1) erase();
  std::string lines;
  std::size_t drawn = 0;
  for (const auto& [host, doing] : doing_) {
    if (!doing.active || at - doing.since < patience || drawn == most_live_lines) continue;
    std::string line = line_of(host, doing, standing, at);
    if (++drawn == most_live_lines && all > drawn) line += fmt::format("  … and {} more hosts", all - drawn);
    lines +=
        (lines.empty() ? "\r" : "\n") + paper_.coloured(sgr::cyan, cut(std::move(line), width - 1)) + "\x1b[K";
  }
  std::fputs(lines.c_str(), out_);
  std::fflush(out_);
  drawn_ = drawn;
  drawn_at_ = at;
  ++spin_;
}

std::string LiveLines::line_of(const std::string& host, const Doing& doing, const Standing& standing,
                               Time at) const {
  constexpr std::array<const char*, 10> spinner = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
  const std::chrono::duration<double> elapsed = at - doing.since, working = at - doing.doing_since;
  std::string line = fmt::format("  {} ", spinner[spin_ % spinner.size()]);
  if (standing.known > 0 && !standing.several) {
    const std::chrono::duration<double> whole = at - standing.began;
    line += fmt::format("{} of {}, {}  ", grouped(std::min(standing.told + 1, standing.known)),
                        grouped(standing.known), duration(whole.count()));
  }
  line += (standing.several ? printable(host) + ": " : "") + printable(doing.label);
  line +=
      "  " + (elapsed.count() < 59.95 ? fmt::format("{:.1f} s", elapsed.count()) : duration(elapsed.count()));
  if (doing.done || doing.total) {
    line += "  " + byte_size(doing.done);
    if (doing.total) line += " of " + byte_size(doing.total);
    if (doing.done > doing.first && working.count() > 0)
      line += fmt::format(" at {}/s", byte_size(static_cast<std::uint64_t>(
                                          static_cast<double>(doing.done - doing.first) / working.count())));
  }
  return doing.doing.empty() ? line : line + "  " + printable(doing.doing);
}

}  // namespace mlops
