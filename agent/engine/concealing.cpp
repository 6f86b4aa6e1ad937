#include "engine/concealing.hpp"

#include <algorithm>

#include "base/overloaded.hpp"
#include "base/url_password.hpp"

namespace mlops {
namespace {

// Masks the playbook's secrets and passwords in URLs.
std::string concealed(const Secrets& secrets, std::string text) {
  if (!secrets.empty()) text = secrets.concealed(std::move(text));
  return without_url_passwords(std::move(text));
}

void conceal(const Secrets& secrets, Value& value) {
  if (value.is_string()) {
    value.as_string() = concealed(secrets, std::move(value.as_string()));
  } else if (value.is_array()) {
    for (Value& element : value.as_array()) conceal(secrets, element);
  } else if (value.is_object()) {
    for (Value::Member& member : value.as_object()) conceal(secrets, member.value);
  }
}

void conceal(const Secrets& secrets, std::vector<Change>& changes) {
  for (Change& change : changes) {
    change.sensitive = change.sensitive || holds_secret(change.before) || holds_secret(change.after);
    conceal(secrets, change.before);
    conceal(secrets, change.after);
    change.text_diff = concealed(secrets, std::move(change.text_diff));
  }
}

bool shows_url_password(const Value& value) {
  if (value.is_string()) return holds_url_password(value.as_string());
  if (value.is_array())
    return std::any_of(value.as_array().begin(), value.as_array().end(),
                       [](const Value& v) { return shows_url_password(v); });
  if (!value.is_object()) return false;
  return std::any_of(value.as_object().begin(), value.as_object().end(),
                     [](const Value::Member& member) { return shows_url_password(member.value); });
}

bool shows_url_password(const Event& event) {
  const auto in = [](const std::string& text) { return holds_url_password(text); };
  const auto in_change = [&](const Change& c) {
    return shows_url_password(c.before) || shows_url_password(c.after) || in(c.text_diff);
  };
  return std::visit(
      overloaded{[](const RunStarted&) { return false; }, [](const RunFinished&) { return false; },
                 [](const ResourceStarted&) { return false; }, [](const ResourcesKnown&) { return false; },
                 [](const TerminalReleased&) { return false; }, [](const AccountUsed&) { return false; },
                 [&](const PlayStarted& e) { return e.skipped && in(*e.skipped); },
                 [&](const ProgressMade& e) { return in(e.doing); },
                 [&](const NoticeGiven& e) { return in(e.text); },
                 [&](const ResourceFinished& e) {
                   return in(e.reason) || in(e.output) || in(e.note) ||
                          std::any_of(e.changes.begin(), e.changes.end(), in_change);
                 }},
      event);
}

void mark(const Secrets& secrets, Value& value) {
  if (value.is_string()) {
    value.secret = value.secret || secrets.shows_in(value.as_string());
  } else if (value.is_array()) {
    for (Value& element : value.as_array()) mark(secrets, element);
  } else if (value.is_object()) {
    for (Value::Member& member : value.as_object()) mark(secrets, member.value);
  }
}

}  // namespace

EventSink concealing(const Secrets& secrets, EventSink sink) {
  return [&secrets, sink = std::move(sink)](const Event& event) {
    if (secrets.empty() && !shows_url_password(event)) return sink(event);
    const auto text = [&](std::string& t) { t = concealed(secrets, std::move(t)); };
    Event shown = event;
    std::visit(
        overloaded{[](RunStarted&) {}, [](ResourcesKnown&) {}, [](RunFinished&) {}, [](ResourceStarted&) {},
                   [](TerminalReleased&) {},
                   [&](AccountUsed& e) {
                     for (std::string* one : {&e.account, &e.arn, &e.credentials, &e.region, &e.region_source})
                       text(*one);
                   },
                   [&](PlayStarted& e) {
                     if (e.skipped) text(*e.skipped);
                   },
                   [&](ProgressMade& e) { text(e.doing); }, [&](NoticeGiven& e) { text(e.text); },
                   [&](ResourceFinished& e) {
                     text(e.reason);
                     text(e.output);
                     text(e.note);
                     conceal(secrets, e.changes);
                   }},
        shown);
    sink(shown);
  };
}

void conceal(const Secrets& secrets, Diff& diff) { conceal(secrets, diff.changes); }

void conceal(const Secrets& secrets, Diagnostics& mistakes) {
  Diagnostics shown;
  for (Diagnostic d : mistakes.list()) {
    d.message = concealed(secrets, std::move(d.message));
    d.hint = concealed(secrets, std::move(d.hint));
    shown.add(std::move(d));
  }
  mistakes = std::move(shown);
}

void mark_secrets(const Secrets& secrets, Outputs& outputs) {
  if (!secrets.empty()) mark(secrets, outputs.values);
}

}  // namespace mlops
