#include "engine/concealing.hpp"

namespace mlops {
namespace {

void conceal(const Secrets& secrets, Value& value) {
  if (value.is_string()) {
    value.as_string() = secrets.concealed(std::move(value.as_string()));
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
    change.text_diff = secrets.concealed(std::move(change.text_diff));
  }
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
  if (secrets.empty()) return sink;
  return [&secrets, sink = std::move(sink)](const Event& event) {
    const auto text = [&](std::string& t) { t = secrets.concealed(std::move(t)); };
    Event shown = event;
    std::visit(overloaded{[](RunStarted&) {}, [](ResourcesKnown&) {}, [](RunFinished&) {}, [](ResourceStarted&) {},
                          [&](PlayStarted& e) { text(e.skipped); }, [&](ProgressMade& e) { text(e.doing); },
                          [&](NoticeGiven& e) { text(e.text); },
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

void conceal(const Secrets& secrets, Diff& diff) {
  if (!secrets.empty()) conceal(secrets, diff.changes);
}

void conceal(const Secrets& secrets, Diagnostics& mistakes) {
  if (secrets.empty()) return;
  Diagnostics shown;
  for (Diagnostic d : mistakes.list()) {
    d.message = secrets.concealed(std::move(d.message));
    d.hint = secrets.concealed(std::move(d.hint));
    shown.add(std::move(d));
  }
  mistakes = std::move(shown);
}

void mark_secrets(const Secrets& secrets, Outputs& outputs) {
  if (!secrets.empty()) mark(secrets, outputs.values);
}

}  // namespace mlops
