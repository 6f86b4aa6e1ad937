#include "playbook/play_list.hpp"

#include <fmt/format.h>

#include <utility>

#include "playbook/condition.hpp"
#include "playbook/resource_shape.hpp"
#include "resource/schema.hpp"

namespace mlops {

Play PlayList::play_at(const Position& where, const Within& within) const {
  Play play;
  play.where = where;
  play.include = within.file.include;
  play.on_written = within.on;
  play.on_include = within.on_include;
  play.reach_timeout_ms = within.reach_timeout_ms.value_or(play.reach_timeout_ms);
  return play;
}

void PlayList::read_plays(Value& list, const Within& within) {
  if (!list.is_array()) {
    must_be(list, "plays", "a list of objects", diagnostics_);
    return;
  }
  for (Value& entry : list.as_array()) {
    if (!entry.is_object())
      must_be(entry, "plays", "a list of objects", diagnostics_);
    else if (entry.find("include"))
      take_in(entry, within);
    else
      read_play(entry, within);
  }
}

void PlayList::read_play(Value& entry, const Within& within) {
  Play play = play_at(entry.where, within);
  for (Value::Member& member : entry.as_object()) {
    if (member.key == "name") {
      play.name = read_text(member.value, member.key, diagnostics_);
    } else if (member.key == "on") {
      play.on_written = std::move(member.value);
      play.on_include = within.file.include;
    } else if (member.key == "reach_timeout") {
      play.reach_timeout_ms = read_timeout(member.value).value_or(play.reach_timeout_ms);
    } else if (member.key == "when") {
      check_condition(member.value, diagnostics_);
      if (member.value.is_object()) play.when = std::move(member.value);
    } else if (member.key == "resources") {
      resources_.read(member.value, within.file, play);
    } else {
      unknown_key(member, {"name", "on", "reach_timeout", "when", "resources"}, diagnostics_);
    }
  }
  if (!entry.find("resources")) diagnostics_.add(entry.where, "`resources` is missing");
  playbook_.plays.push_back(std::move(play));
}

void PlayList::read_resources(Value& list, const Within& within) {
  Play play = play_at(list.where, within);
  resources_.read(list, within.file, play);
  playbook_.plays.push_back(std::move(play));
}

// Seconds, or a text with a unit.
std::optional<std::uint64_t> PlayList::read_timeout(const Value& value) {
  constexpr std::uint64_t longest = 7 * 24 * 3600;  // seconds
  Duration timeout;
  if (value.is_string()) {
    Decoder decoder{diagnostics_, "", value.where, false};
    decoder.parameter = "reach_timeout";
    if (!Codec<Duration>::decode(value, timeout, decoder)) return std::nullopt;
    if (timeout.ms <= longest * 1000) return timeout.ms;
    diagnostics_.add(value.where, "`reach_timeout` is at most 7 days");
    return std::nullopt;
  }
  if (value.is_integer() && value.as_integer() >= 0 &&
      static_cast<std::uint64_t>(value.as_integer()) <= longest)
    return static_cast<std::uint64_t>(value.as_integer()) * 1000;
  must_be(value, "reach_timeout", R"(a number of seconds, or a time such as "10m")", diagnostics_);
  return std::nullopt;
}

void PlayList::take_in(Value& entry, const Within& outer) {
  Within within = outer;
  if (const Value* on = entry.find("on")) {
    within.on = *on;
    within.on_include = outer.file.include;
  }
  if (const Value* timeout = entry.find("reach_timeout"))
    within.reach_timeout_ms = read_timeout(*timeout).value_or(Play().reach_timeout_ms);
  auto opened = includes_.open(entry, outer.file.include, {"on", "reach_timeout"});
  if (!opened) return;
  within.file.include = opened->include;
  within.file.tags.insert(within.file.tags.end(), opened->tags.begin(), opened->tags.end());
  read_file(opened->document, within);
}

void PlayList::read_file(Value& document, const Within& within) {
  const Value::Member* plays = nullptr;
  for (Value::Member& m : document.as_object()) {
    if (m.key == "plays" || m.key == "resources") {
      if (plays)
        diagnostics_.add(m.key_where, "`plays` and `resources` cannot stand together",
                         "`resources` is short for a single play");
      else if (m.key == "plays")
        read_plays(m.value, within);
      else
        read_resources(m.value, within);
      plays = &m;
    } else if (m.key == "show") {
      read_show(m.value, within);
    } else if (m.key == "name" || m.key == "$schema") {
      read_text(m.value, m.key, diagnostics_);
    } else if (m.key == "secrets") {
      diagnostics_.add(m.key_where, "`secrets` cannot stand in a file that is included",
                       "it stands in the playbook itself");
    } else if (m.key != "vars") {
      unknown_key(m, {"name", "vars", "plays", "resources", "show", "$schema"}, diagnostics_);
    }
  }
  if (!plays) diagnostics_.add(document.where, "`resources` is missing", "or `plays`, where there are several");
}

void PlayList::read_show(Value& list, const Within& within) {
  if (!list.is_array()) {
    must_be(list, "show", "a list of texts", diagnostics_);
    return;
  }
  for (Value& line : list.as_array()) {
    if (line.is_string())
      playbook_.show.push_back({std::move(line), {}, within.file.include});
    else if (line.is_object())
      read_show_text(line, within);
    else
      must_be(line, "show", "a list of texts", diagnostics_);
  }
}

void PlayList::read_show_text(Value& entry, const Within& within) {
  ShowText show;
  show.include = within.file.include;
  for (Value::Member& member : entry.as_object()) {
    if (member.key == "text") {
      read_text(member.value, member.key, diagnostics_);
      show.text = std::move(member.value);
    } else if (member.key == "when") {
      check_condition(member.value, diagnostics_);
      show.when = std::move(member.value);
    } else {
      unknown_key(member, {"text", "when"}, diagnostics_);
    }
  }
  if (show.text.is_null()) diagnostics_.add(entry.where, "`text` is missing", "it is what is printed");
  if (show.text.is_string()) playbook_.show.push_back(std::move(show));
}

}  // namespace mlops
