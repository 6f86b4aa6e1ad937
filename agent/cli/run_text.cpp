#include "cli/run_text.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "model/wording.hpp"

namespace mlops {

std::string short_id(const std::string& id, const std::vector<RecordedRun>& runs) {
  constexpr std::size_t time_part = 13;  // RFC 9562: 48 bits of milliseconds, and the dash in them
  const std::string part = id.substr(0, time_part);
  const auto same =
      std::count_if(runs.begin(), runs.end(), [&](const RecordedRun& r) { return r.id.starts_with(part); });
  return same > 1 ? id : part;
}

std::string iso_time(std::int64_t us) {
  const auto seconds = static_cast<std::time_t>(us / 1'000'000);
  std::tm broken{};
  ::gmtime_r(&seconds, &broken);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%FT%T", &broken);
  return fmt::format("{}.{:06}Z", std::string_view(text.data(), size), us % 1'000'000);
}

std::string counts_text(const Value& counts) {
  std::string text;
  if (!counts.is_object()) return text;
  for (const auto& member : counts.as_object()) {
    if (!member.value.is_integer() || member.value.as_integer() == 0) continue;
    std::string word = member.key;
    std::replace(word.begin(), word.end(), '_', ' ');
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                        grouped(static_cast<std::uint64_t>(member.value.as_integer())), word);
  }
  return text;
}

namespace {

// Databases store "cut off" and "under way".
std::string shown_outcome(const std::string& outcome) {
  if (outcome == "cut off") return "did not finish";
  if (outcome == "under way") return "running";
  return outcome;
}

}  // namespace

std::string ending(const RecordedRun& run, const std::vector<RecordedRun>& runs) {
  std::string text = shown_outcome(run.outcome);
  if (run.undoes) text += ", undid " + short_id(*run.undoes, runs);
  if (!run.undone_by.empty()) text += ", undone by " + short_id(run.undone_by, runs);
  return text;
}

const char* to_text(StepState state) {
  switch (state) {
    case StepState::begun:
      return "begun";
    case StepState::done:
      return "done";
    case StepState::failed:
      return "failed";
    case StepState::interrupted:
      return "cut off";
    case StepState::recovered:
      return "healed";
  }
  return "unknown";
}

ResourceFinished as_event(const RecordedStep& step) {
  ResourceFinished event{.label = step.resource, .type = step.type, .host = "local", .as = step.identity};
  event.outcome = step.state == StepState::done ? Outcome::changed : Outcome::failed;
  event.changes = step.changes;
  event.reason = step.reason;
  if (step.state == StepState::begun) event.reason = "begun";
  if (step.state == StepState::interrupted) event.reason = "interrupted: the run ended before this step did";
  if (step.state == StepState::recovered) event.reason = "interrupted; a later run recovered it";
  return event;
}

std::string this_host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace mlops
