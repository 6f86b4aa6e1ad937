// The reads of notes as values.
#pragma once

#include <optional>
#include <string>

#include "base/type_list.hpp"
#include "domains/notes/reader.hpp"

namespace mlops {

struct ReadNote {
  using Result = std::optional<std::string>;
  std::string name;
  Result ask(const NoteReader& reader) const { return reader.note(name); }
};

using NoteQueries = TypeList<ReadNote>;

template <class Asker>
class AskedNotes : public NoteReader {
  std::optional<std::string> note(const std::string& name) const override {
    return static_cast<const Asker&>(*this).ask(ReadNote{name});
  }
};

}  // namespace mlops
