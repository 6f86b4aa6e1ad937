// The domain of notes, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "domains/notes/actions.hpp"
#include "domains/notes/queries.hpp"
#include "domains/notes/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

struct NotesReplaced {
  std::optional<std::string> note;
  static constexpr auto fields() { return std::tuple(field("note", &NotesReplaced::note)); }
  friend bool operator==(const NotesReplaced&, const NotesReplaced&) = default;
};

struct NotesLocal;  // domains/notes/local.hpp

struct NotesDomain {
  using Reader = NoteReader;
  using Actions = NoteActions;
  using Queries = NoteQueries;
  using Replaced = NotesReplaced;
  template <class Asker>
  using Asked = AskedNotes<Asker>;
  using Local = NotesLocal;
};

std::optional<std::string> fingerprint(NotesDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine);

void capture(const PutNote&, CaptureBefore&, Before&);
void capture(const RemoveNote&, CaptureBefore&, Before&);
Inverse invert(const PutNote&, const Before&);
Inverse invert(const RemoveNote&, const Before&);
bool satisfied(const PutNote&, const MachineReader&);
bool satisfied(const RemoveNote&, const MachineReader&);
void touch(const PutNote&, const Before&, Things&);
void touch(const RemoveNote&, const Before&, Things&);
void add_leftovers(const OneOf<NoteActions> auto&, LeftoverSearch&) {}
const std::string* target_path(const OneOf<NoteActions> auto&) { return nullptr; }

void note(const ReadNote&, const ReadNote::Result&, Preconditions&);

ReadNote::Result simulated(const ReadNote&, Simulation&);
void simulate(const PutNote&, Simulation&);
void simulate(const RemoveNote&, Simulation&);

}  // namespace mlops
