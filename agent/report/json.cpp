#include "report/json.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/overloaded.hpp"

namespace mlops {
namespace {

template <class... Args>
void append(std::string& line, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(line), format, std::forward<Args>(args)...);
}

const char* word(bool b) { return b ? "true" : "false"; }

// RFC 3339 in UTC without a fraction: "2023-05-16T18:04:05".
std::string to_the_second(std::time_t t) {
  std::tm tm{};
  gmtime_r(&t, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec);
}

const char* kind_of(const Change& change) {
  if (change.kind == Change::Kind::unknown) return "unknown";
  return change.is_event() ? "event" : "state";
}

}  // namespace

JsonReport::JsonReport(std::FILE* out, Clock clock) : out_(out), clock_(std::move(clock)) {}

void JsonReport::operator()(const Event& event) {
  std::visit(
      overloaded{[&](const RunStarted& e) { run(e); }, [](const ResourcesKnown&) {},
                 [&](const PlayStarted& e) { play(e); }, [](const ResourceStarted&) {},
                 [](const TerminalReleased&) {}, [&](const ProgressMade& e) { waiting(e); },
                 [&](const NoticeGiven& e) { notice(e); }, [&](const AccountUsed& e) { account(e); },
                 [&](const ResourceFinished& e) { resource(e); }, [&](const RunFinished& e) { summary(e); }},
      event);
}

void JsonReport::begin(const char* event) {
  using namespace std::chrono;
  const auto ms = floor<milliseconds>(clock_()).time_since_epoch().count();
  const std::time_t second = static_cast<std::time_t>(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
  if (second != second_) time_ = to_the_second(second_ = second);
  line_.clear();
  append(line_, R"({{"event":"{}","time":"{}.{:03}Z")", event, time_, ms - second * 1000);
}

void JsonReport::end() {
  line_ += "}\n";
  std::fwrite(line_.data(), 1, line_.size(), out_);
  std::fflush(out_);
}

void JsonReport::text(const char* name, const std::string& value) {
  append(line_, R"(,"{}":{})", name, value.empty() ? "null" : json_quote(value));
}

void JsonReport::texts(const char* name, const std::vector<std::string>& list) {
  append(line_, R"(,"{}":)", name);
  for (std::size_t i = 0; i < list.size(); ++i) line_ += (i ? "," : "[") + json_quote(list[i]);
  line_ += list.empty() ? "null" : "]";
}

void JsonReport::run(const RunStarted& e) {
  begin("run");
  text("playbook", e.playbook);
  text("mode", e.mode);
  texts("hosts", e.hosts);
  end();
}

void JsonReport::play(const PlayStarted& e) {
  begin("play");
  text("name", e.name);
  text("host", e.host);
  text("skipped", e.skipped.value_or(""));
  end();
}

void JsonReport::change(const Change& c, const std::vector<std::string>& maybe) {
  const auto shown = [&](const Value& v) { return c.sensitive && !v.is_null() ? R"("***")" : to_json(v); };
  append(line_, R"({{"property":{},"before":{},"after":{},"kind":"{}","sensitive":{})", json_quote(c.property),
         shown(c.before), shown(c.after), kind_of(c), word(c.sensitive));
  texts("maybe", maybe);
  text("diff", c.sensitive ? "" : c.text_diff);
  line_ += '}';
}

void JsonReport::resource(const ResourceFinished& e) {
  begin("resource");
  text("label", e.label);
  text("id", e.id);
  text("type", e.type);
  text("host", e.host);
  text("as", e.as);
  text("outcome", to_text(e.outcome));
  line_ += R"(,"changes":[)";
  for (std::size_t i = 0; i < e.changes.size(); ++i) {
    if (i) line_ += ',';
    change(e.changes[i], e.maybe);
  }
  append(line_, R"(],"seconds":{:.6f})", e.seconds);
  text("reason", e.reason);
  text("output", e.output);
  text("note", e.note);
  end();
}

// Once for each stage: what was seen last changes with every attempt.
void JsonReport::waiting(const ProgressMade& e) {
  if (e.stage.empty() || std::exchange(awaited_[e.host], e.stage) == e.stage) return;
  begin("waiting");
  text("host", e.host);
  text("stage", e.stage);
  text("seen", e.doing);
  end();
}

void JsonReport::notice(const NoticeGiven& e) {
  begin("notice");
  text("host", e.host);
  text("text", e.text);
  end();
}

void JsonReport::account(const AccountUsed& e) {
  begin("account");
  text("account", e.account);
  text("arn", e.arn);
  text("credentials", e.credentials);
  text("region", e.region);
  text("region_source", e.region_source);
  end();
}

void JsonReport::summary(const RunFinished& e) {
  begin("summary");
  for (std::size_t i = 0; i < outcome_count; ++i)
    append(line_, R"(,"{}":{})", to_text(static_cast<Outcome>(i)), e.counts[i]);
  append(line_, R"(,"seconds":{:.6f},"interrupted":{},"exit_status":{},"show":[)", e.seconds,
         word(e.interrupted), e.exit_status);
  for (std::size_t i = 0; i < e.show.size(); ++i)
    line_ += (i ? "," : "") + (e.show[i].secret ? R"("***")" : json_quote(e.show[i].text));
  line_ += R"(],"hosts":[)";
  for (std::size_t i = 0; i < e.hosts.size(); ++i) {
    append(line_, R"({}{{"host":{})", i ? "," : "", json_quote(e.hosts[i].host));
    for (std::size_t o = 0; o < outcome_count; ++o)
      append(line_, R"(,"{}":{})", to_text(static_cast<Outcome>(o)), e.hosts[i].counts[o]);
    text("error", e.hosts[i].error);
    line_ += '}';
  }
  line_ += ']';
  end();
}

}  // namespace mlops
