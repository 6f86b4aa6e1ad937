// Plans and undo of notes.
#include <map>

#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/inverse.hpp"
#include "domains/simulation.hpp"

namespace mlops {
namespace {

class OverlayNotes {
 public:
  static OverlayNotes over(const MachineReader&, const MachineReader&) { return {}; }
  void begin() { kept_ = changed; }
  void commit() { kept_.reset(); }
  void go_back() { changed = kept_.value(), kept_.reset(); }
  std::map<std::string, std::optional<std::string>> changed;

 private:
  std::optional<std::map<std::string, std::optional<std::string>>> kept_;
};

}  // namespace

std::optional<std::string> fingerprint(NotesDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine) {
  if (kind != "note") return std::nullopt;
  return machine.notes().note(name).value_or("absent");
}

void capture(const PutNote& a, CaptureBefore& c, Before& b) {
  b.NotesReplaced::note = c.machine().notes().note(a.name);
}
void capture(const RemoveNote& a, CaptureBefore& c, Before& b) {
  b.NotesReplaced::note = c.machine().notes().note(a.name);
}

Inverse invert(const PutNote& a, const Before& b) {
  if (b.note) return {{PutNote{a.name, *b.note}}, {}};
  return {{RemoveNote{a.name}}, {}};
}
Inverse invert(const RemoveNote& a, const Before& b) {
  if (!b.note) return {};
  return {{PutNote{a.name, *b.note}}, {}};
}

bool satisfied(const PutNote& a, const MachineReader& m) { return m.notes().note(a.name) == a.text; }
bool satisfied(const RemoveNote& a, const MachineReader& m) { return !m.notes().note(a.name); }

void touch(const PutNote& a, const Before&, Things& things) { things.insert("note " + a.name); }
void touch(const RemoveNote& a, const Before&, Things& things) { things.insert("note " + a.name); }

void note(const ReadNote& q, const ReadNote::Result& found, Preconditions& p) {
  p["note " + q.name] = found.value_or("absent");
}

ReadNote::Result simulated(const ReadNote& q, Simulation& s) {
  s.host.need_foresight();
  const auto& changed = s.host.overlay<OverlayNotes>().changed;
  const auto found = changed.find(q.name);
  return found == changed.end() ? q.ask(s.real.notes()) : found->second;
}
void simulate(const PutNote& a, Simulation& s) { s.host.overlay<OverlayNotes>().changed[a.name] = a.text; }
void simulate(const RemoveNote& a, Simulation& s) {
  s.host.overlay<OverlayNotes>().changed[a.name] = std::nullopt;
}

}  // namespace mlops
