#include "report/terminal.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <thread>
#include <utility>

#include "base/overloaded.hpp"
#include "model/wording.hpp"

namespace mlops {
namespace {

using namespace sgr;

constexpr std::size_t most_held = 50;     // consecutive ok resources that are shown one by one
constexpr std::size_t widest_label = 44;  // longer labels push their line to the right
constexpr std::size_t least_label = 20;   // minimum label width on a narrow terminal
constexpr std::size_t value_limit = 60;   // code points of one value
constexpr std::size_t most_diff_lines = 60, most_output_lines = 12;
constexpr std::size_t most_along = 3;     // additional packages are named up to this many
constexpr std::size_t most_changes = 12;  // of a resource; the others are counted

struct Symbol {
  const char* text;
  const char* colour;
};

Symbol symbol(const ResourceFinished& e) {
  switch (e.outcome) {
    case Outcome::ok:
      return {"·", dim};
    case Outcome::changed:
      return {"✓", green};
    case Outcome::would_change:
      for (const Change& c : e.changes) {
        if (c.kind == Change::Kind::create) return {"+", green};
        if (c.kind == Change::Kind::remove) return {"-", red};
      }
      return {"~", yellow};
    case Outcome::unknown:
      return {"?", magenta};
    case Outcome::skipped:
      return {"○", dim};
    case Outcome::failed:
    case Outcome::not_converged:
      return {"✗", bold_red};
  }
  return {" ", dim};
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t taken = columns(text);
  if (taken < width) text.append(width - taken, ' ');
  return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + printable(item);
  return text;
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

// Whether the reason names the label as a whole word.
bool names(std::string_view reason, std::string_view label) {
  return reason.find(label) != std::string_view::npos;
}

const char* diff_colour(std::string_view line) {
  if (line.starts_with('+')) return green;
  if (line.starts_with('-')) return red;
  return line.starts_with("@@") ? cyan : dim;
}

}  // namespace

// ---- the live lines' own pace -------------------------------------------------------------------------------

struct TerminalReport::Ticker {
  explicit Ticker(TerminalReport& report) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the thread that runs the playbook
    thread = std::thread([this, &report] {
      std::unique_lock lock(mutex);
      while (!wake.wait_for(lock, LiveLines::patience, [this] { return ended; })) report.redraw();
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Ticker() {
    {
      const std::lock_guard lock(mutex);
      ended = true;
    }
    wake.notify_all();
    thread.join();
  }
  std::mutex mutex;
  std::condition_variable wake;
  bool ended = false;
  std::thread thread;
};

TerminalReport::TerminalReport(TerminalOptions options) : options_(std::move(options)) {}

TerminalReport::~TerminalReport() {
  ticker_.reset();
  const std::lock_guard lock(mutex_);
  release();
  live_.erase();
  std::fflush(options_.out);
}

TerminalReport::Time TerminalReport::now() const {
  return options_.clock ? options_.clock() : std::chrono::steady_clock::now();
}

void TerminalReport::operator()(const Event& event) {
  std::visit(
      overloaded{[&](const RunStarted& e) { run_started(e); },
                 [&](const ResourcesKnown& e) { resources_known(e); },
                 [&](const PlayStarted& e) { play_started(e); },
                 [&](const ResourceStarted& e) { resource_started(e); },
                 [&](const TerminalReleased&) { release_terminal(); },
                 [&](const ProgressMade& e) { progress_made(e); },
                 [&](const NoticeGiven& e) { notice_given(e); }, [&](const AccountUsed& e) { account_used(e); },
                 [&](const ResourceFinished& e) { resource_finished(e); },
                 [&](const RunFinished& e) { run_finished(e); }},
      event);
}

// ---- events -------------------------------------------------------------------------------------------------

void TerminalReport::run_started(const RunStarted& e) {
  const std::lock_guard lock(mutex_);
  mode_ = e.mode;
  failed_.clear();
  known_ = told_ = 0;
  began_ = now();
  several_ = e.hosts.size() > 1;
  for (const std::string& host : e.hosts) host_width_ = std::max(host_width_, columns(printable(host)));
  if (options_.live && !options_.clock && !ticker_) ticker_ = std::make_unique<Ticker>(*this);
}

void TerminalReport::resources_known(const ResourcesKnown& e) {
  const std::lock_guard lock(mutex_);
  known_ = e.count;
  told_ = 0;
  widen_columns(printable(e.longest_label), printable(e.longest_as));
}

void TerminalReport::play_started(const PlayStarted& e) {
  const std::lock_guard lock(mutex_);
  release();
  const bool here = several_ ? !e.skipped : e.host.empty() || e.host == "local";
  if (several_ && !e.skipped && (e.name.empty() || std::exchange(play_, e.name) == e.name)) return;
  std::string title = printable(e.name.empty() ? e.host : e.name);
  if (!e.name.empty() && !here) title += " on " + printable(e.host);
  if (e.skipped) {
    print_hanging(coloured(dim, "○ " + (e.name.empty() ? "play" : title) + "  "),
                  coloured(dim, "skipped: " + printable(*e.skipped)));
  } else if (!e.name.empty() || !here) {
    print(coloured(bold, title));
  }
}

void TerminalReport::resource_started(const ResourceStarted& e) {
  const std::lock_guard lock(mutex_);
  const Time at = now();
  release_if_due(at);
  if (!options_.live) return;
  live_.start(e.host, e.label, at);
}

void TerminalReport::release_terminal() {
  const std::lock_guard lock(mutex_);
  release_if_due(now());
  if (!options_.live) return;
  live_.erase();
  std::fflush(options_.out);
  live_.end_all();
}

void TerminalReport::progress_made(const ProgressMade& e) {
  if (!options_.live) return;
  const std::lock_guard lock(mutex_);
  live_.progress(e, now());
}

void TerminalReport::notice_given(const NoticeGiven& e) {
  const std::lock_guard lock(mutex_);
  release();
  const std::string host = several_ && !e.host.empty() ? printable(e.host) + ": " : "";
  print_hanging("  " + coloured(yellow, "!") + " ", host + printable(e.text));
  std::fflush(options_.out);
}

void TerminalReport::account_used(const AccountUsed& e) {
  const std::lock_guard lock(mutex_);
  release();
  print_hanging("  ",
                fmt::format("as {} (account {}), by {}, in {} ({})", printable(e.arn), printable(e.account),
                            printable(e.credentials), printable(e.region), printable(e.region_source)));
  std::fflush(options_.out);
}

void TerminalReport::resource_finished(const ResourceFinished& e) {
  const std::lock_guard lock(mutex_);
  live_.end(e.host);
  ++told_;
  if (e.outcome == Outcome::ok) return hold(e);
  note_failure(e);
  if (options_.quiet && e.outcome == Outcome::skipped) return;
  release();
  print(resource_line(e));
  const auto reason = lines_of(e.reason);
  for (std::size_t i = 1; i < reason.size(); ++i) print_hanging("      ", printable(reason[i], Tabs::keep));
  const auto with_diff = [](const Change& c) { return !c.sensitive && !c.text_diff.empty(); };
  const bool several = std::count_if(e.changes.begin(), e.changes.end(), with_diff) > 1;
  for (const Change& change : e.changes) {
    if (several && with_diff(change)) print("      " + coloured(bold, printable(change.property)));
    print_diff(change);
  }
  print_output(e.output);
  std::fflush(options_.out);
}

void TerminalReport::run_finished(const RunFinished& e) {
  ticker_.reset();
  const std::lock_guard lock(mutex_);
  live_.end_all();
  release();
  print_failures();
  print_hosts(e);
  const bool plan = mode_ == "plan";
  const std::string head = coloured(bold, printable(mode_) + ":") + (e.interrupted ? " interrupted:" : "");
  const std::string time = duration(e.seconds);
  print_hanging(head + " ",
                counted(e.counts) + (plan ? " — nothing was touched (" + time + ")" : " in " + time));
  for (const ShownLine& line : e.show) print(printable(line.text, Tabs::keep));
  std::fflush(options_.out);
}

std::string TerminalReport::counted(const std::array<std::uint64_t, outcome_count>& counts) const {
  const auto count = [&](Outcome o) { return counts[static_cast<std::size_t>(o)]; };
  std::string text;
  const auto add = [&](std::uint64_t n, const char* what, const char* colour, bool always = false) {
    if (n || always)
      text += (text.empty() ? "" : ", ") + (n ? coloured(colour, grouped(n) + what) : grouped(n) + what);
  };
  const bool plan = mode_ == "plan";
  add(count(Outcome::failed), " failed", bold_red);
  add(count(Outcome::not_converged), " not converged", bold_red);
  if (plan) add(count(Outcome::would_change), " to change", yellow, true);
  if (!plan) add(count(Outcome::changed), " changed", green, true);
  add(plan ? count(Outcome::changed) : count(Outcome::would_change), plan ? " changed" : " to change", yellow);
  add(count(Outcome::unknown), " unknown", magenta);
  add(count(Outcome::skipped), " skipped", dim);
  add(count(Outcome::ok), " ok", dim);
  return text;
}

// One line per host, if there are several.
void TerminalReport::print_hosts(const RunFinished& e) {
  if (e.hosts.size() < 2) return;
  for (const HostFinished& host : e.hosts) {
    const bool any = std::any_of(host.counts.begin(), host.counts.end(), [](std::uint64_t n) { return n > 0; });
    std::string text = any || host.error.empty() ? counted(host.counts) : "";
    if (!host.error.empty())
      text += (text.empty() ? "" : "; ") + coloured(red, printable(first_line(host.error)));
    print_hanging("  " + coloured(bold, padded(printable(host.host), host_width_)) + "  ", text);
  }
}

std::string TerminalReport::in_host_column(const std::string& host) const {
  return several_ ? padded(printable(host), host_width_) + "  " : "";
}

// ---- lines --------------------------------------------------------------------------------------------------

// The columns widen for a label as long as that leaves room beside it; on a narrow terminal that is less.
void TerminalReport::widen_columns(const std::string& label, const std::string& as) {
  std::size_t most = widest_label;
  if (const std::size_t width = paper_.width(); width > 0)
    most = std::clamp(width / 2 - std::min<std::size_t>(width / 2, 10), least_label, widest_label);
  label_width_ = std::min(most, std::max(label_width_, columns(label)));
  as_width_ = std::max(as_width_, columns(as));
}

std::string TerminalReport::resource_line(const ResourceFinished& e) {
  const Symbol s = symbol(e);
  std::string label = printable(e.label), as = printable(e.as);
  widen_columns(label, as);
  std::string what = what_changes(e);
  if (e.outcome == Outcome::ok && what.empty()) what = "ok";
  if (!e.note.empty()) what += " (" + printable(e.note) + ")";
  label = padded(std::move(label), label_width_);
  as = padded(std::move(as), as_width_);
  const std::string host = in_host_column(e.host);
  const std::size_t column = 4 + columns(host) + label_width_ + 2 + as_width_ + 2;
  if (e.outcome == Outcome::ok || e.outcome == Outcome::skipped)
    return coloured(dim, paper_.hanging(fmt::format("  {} {}{}  {}  ", s.text, host, label, as), what, column));
  return paper_.hanging(
      fmt::format("  {} {}{}  {}  ", coloured(s.colour, s.text), host, label, coloured(dim, as)), what, column);
}

std::string TerminalReport::what_changes(const ResourceFinished& e) const {
  const auto reason = [&](const char* before, const char* colour) {
    return coloured(colour, before + printable(first_line(e.reason)));
  };
  switch (e.outcome) {
    case Outcome::unknown:
      return reason(e.reason.empty() ? "unknown" : "", magenta);
    case Outcome::skipped:
      return reason(e.reason.empty() ? "skipped" : "skipped: ", "");
    case Outcome::failed:
      return reason(e.reason.empty() ? "failed" : "failed: ", red);
    case Outcome::not_converged:
      return reason(e.reason.empty() ? "not converged" : "not converged: ", red);
    case Outcome::ok:
    case Outcome::changed:
    case Outcome::would_change:
      break;
  }
  return changes_text(e) + (e.maybe.empty() ? "" : " (unless " + joined(e.maybe) + " brings it)");
}

// Additional packages that are installed are counted; packages that are removed as a consequence are always
// named.
std::string TerminalReport::changes_text(const ResourceFinished& e) const {
  const auto comes_along = [](const Change& c) { return c.property.starts_with('+') && !goes_along(c); };
  const auto along = static_cast<std::size_t>(std::count_if(e.changes.begin(), e.changes.end(), comes_along));
  const bool counted = !options_.verbose && along > most_along;
  std::vector<std::string> parts;
  for (const Change& change : e.changes) {
    if (counted && comes_along(change)) {
      const std::string text = fmt::format("+{} packages", grouped(along));
      if (std::find(parts.begin(), parts.end(), text) == parts.end()) parts.push_back(text);
      continue;
    }
    parts.push_back(describe(change, options_.verbose ? std::string::npos : value_limit));
  }
  const bool all = options_.verbose || paper_.width() == 0 || parts.size() <= most_changes + 1;
  const std::size_t shown = all ? parts.size() : most_changes;
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) text += (i ? ", " : "") + parts[i];
  if (shown < parts.size()) text += fmt::format(", … {} more", parts.size() - shown);
  return text;
}

// Lines of ok resources are held: many in a row become one, a few are printed when something else follows or
// the next resource is slow.
void TerminalReport::hold(const ResourceFinished& e) {
  if (options_.quiet) return;
  if (options_.verbose) {
    print(resource_line(e));
    return;
  }
  if (held_count_++ == 0) held_since_ = now();
  if (held_count_ <= most_held) held_.push_back(resource_line(e));
}

void TerminalReport::release_if_due(Time at) {
  if (held_count_ > 0 && held_count_ <= most_held && at - held_since_ > LiveLines::patience) release();
}

void TerminalReport::release() {
  if (held_count_ > most_held) {
    print(coloured(dim, "  · … " + grouped(held_count_) + " resources ok"));
  } else {
    for (const std::string& line : held_) print(line);
  }
  held_.clear();
  held_count_ = 0;
  std::fflush(options_.out);
}

void TerminalReport::note_failure(const ResourceFinished& e) {
  if (e.outcome == Outcome::failed || e.outcome == Outcome::not_converged) failed_.push_back({e.label, {}});
  if (e.outcome != Outcome::skipped) return;
  for (Failed& failure : failed_)
    if (names(e.reason, failure.label)) failure.skipped.push_back(e.label);
}

void TerminalReport::print_diff(const Change& change) {
  if (change.sensitive || change.text_diff.empty()) return;
  const auto lines = lines_of(change.text_diff);
  const std::size_t shown =
      options_.verbose || lines.size() <= most_diff_lines + 5 ? lines.size() : most_diff_lines;
  for (std::size_t i = 0; i < shown; ++i)
    print_hanging("      ", coloured(diff_colour(lines[i]), printable(lines[i], Tabs::keep)));
  if (shown < lines.size())
    print("      " +
          coloured(dim, fmt::format("… {} more lines (--verbose shows them)", grouped(lines.size() - shown))));
}

void TerminalReport::print_output(const std::string& output) {
  const auto lines = lines_of(output);
  const std::size_t first =
      options_.verbose || lines.size() <= most_output_lines ? 0 : lines.size() - most_output_lines;
  for (std::size_t i = first; i < lines.size(); ++i)
    print_hanging("      " + coloured(dim, "│ "), coloured(dim, printable(lines[i], Tabs::keep)));
}

void TerminalReport::print_failures() {
  for (const Failed& failure : failed_)
    if (!failure.skipped.empty())
      print_hanging("", coloured(red, printable(failure.label)) +
                            " failed; skipped because of it: " + joined(failure.skipped));
}

void TerminalReport::print(std::string_view line) {
  live_.erase();
  std::fwrite(line.data(), 1, line.size(), options_.out);
  std::fputc('\n', options_.out);
}

// ---- the live lines -----------------------------------------------------------------------------------------

void TerminalReport::redraw() {
  const std::lock_guard lock(mutex_);
  const Time at = now();
  if (!options_.live || !live_.is_due(at)) return;
  if (held_count_ > 0 && held_count_ <= most_held) release();
  live_.draw({several_, known_, told_, began_}, at);
}

}  // namespace mlops
