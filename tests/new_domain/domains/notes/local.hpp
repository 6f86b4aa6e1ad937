// The notes of this machine: files in the folder that NOTES_FOLDER names.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "domains/local_context.hpp"
#include "domains/notes/actions.hpp"
#include "domains/notes/reader.hpp"

namespace mlops {

class LocalNotes : public NoteReader {
 public:
  std::optional<std::string> note(const std::string& name) const override {
    std::ifstream file(place(name));
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void perform(const PutNote& action) const {
    if (!(std::ofstream(place(action.name)) << action.text << std::flush))
      throw Error("cannot write the note " + action.name);
  }
  void perform(const RemoveNote& action) const { std::filesystem::remove(place(action.name)); }

 private:
  static std::filesystem::path place(const std::string& name) {
    const char* folder = std::getenv("NOTES_FOLDER");
    return std::filesystem::path(folder ? folder : "/nonexistent") / name;
  }
};

struct NotesLocal : LocalPart {
  explicit NotesLocal(const LocalContext&) {}
  void perform(const OneOf<NoteActions> auto& action) { reader.perform(action); }
  LocalNotes reader;
};

}  // namespace mlops
