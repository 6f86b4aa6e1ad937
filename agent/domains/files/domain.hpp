// The domain of files, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "domains/files/actions.hpp"
#include "domains/files/queries.hpp"
#include "domains/files/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

// What a file action replaces; also of what a command or a download makes.
struct FilesReplaced {
  std::vector<SavedPath> paths;  // the path itself first, links resolved
  std::string not_kept;          // why the paths cannot be restored; "" if they can
  static constexpr auto fields() {
    return std::tuple(field("paths", &FilesReplaced::paths), field("not_kept", &FilesReplaced::not_kept));
  }
  friend bool operator==(const FilesReplaced&, const FilesReplaced&) = default;
};

struct FilesLocal;  // domains/files/local.hpp

struct FilesDomain {
  using Reader = FileReader;
  using Actions = FileActions;
  using Queries = FileQueries;
  using Replaced = FilesReplaced;
  template <class Asker>
  using Asked = AskedFiles<Asker>;
  using Local = FilesLocal;
};

// The state of an object of one of its kinds, as one line; absent for other kinds.
std::optional<std::string> fingerprint(FilesDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine);

// For undo; see domains/undo_parts.hpp.
void capture(const WriteFile&, CaptureBefore&, Before&);
Inverse invert(const WriteFile&, const Before&);
bool satisfied(const WriteFile&, const MachineReader&);
void touch(const WriteFile&, const Before&, Things&);
void add_leftovers(const WriteFile&, LeftoverSearch&);
const std::string* target_path(const WriteFile&);
void capture(const CreateSecret&, CaptureBefore&, Before&);
Inverse invert(const CreateSecret&, const Before&);
bool satisfied(const CreateSecret&, const MachineReader&);
void touch(const CreateSecret&, const Before&, Things&);
void add_leftovers(const CreateSecret&, LeftoverSearch&);
const std::string* target_path(const CreateSecret&);
void capture(const CreateSshKey&, CaptureBefore&, Before&);
Inverse invert(const CreateSshKey&, const Before&);
bool satisfied(const CreateSshKey&, const MachineReader&);
void touch(const CreateSshKey&, const Before&, Things&);
void add_leftovers(const CreateSshKey&, LeftoverSearch&);
const std::string* target_path(const CreateSshKey&);
void capture(const CreateDirectory&, CaptureBefore&, Before&);
Inverse invert(const CreateDirectory&, const Before&);
bool satisfied(const CreateDirectory&, const MachineReader&);
void touch(const CreateDirectory&, const Before&, Things&);
void add_leftovers(const CreateDirectory&, LeftoverSearch&);
const std::string* target_path(const CreateDirectory&);
void capture(const CreateLink&, CaptureBefore&, Before&);
Inverse invert(const CreateLink&, const Before&);
bool satisfied(const CreateLink&, const MachineReader&);
void touch(const CreateLink&, const Before&, Things&);
void add_leftovers(const CreateLink&, LeftoverSearch&);
const std::string* target_path(const CreateLink&);
void capture(const SetAttributes&, CaptureBefore&, Before&);
Inverse invert(const SetAttributes&, const Before&);
bool satisfied(const SetAttributes&, const MachineReader&);
void touch(const SetAttributes&, const Before&, Things&);
void add_leftovers(const SetAttributes&, LeftoverSearch&);
const std::string* target_path(const SetAttributes&);
void capture(const RemovePath&, CaptureBefore&, Before&);
Inverse invert(const RemovePath&, const Before&);
bool satisfied(const RemovePath&, const MachineReader&);
void touch(const RemovePath&, const Before&, Things&);
void add_leftovers(const RemovePath&, LeftoverSearch&);
const std::string* target_path(const RemovePath&);
void capture(const RenamePath&, CaptureBefore&, Before&);
Inverse invert(const RenamePath&, const Before&);
bool satisfied(const RenamePath&, const MachineReader&);
void touch(const RenamePath&, const Before&, Things&);
void add_leftovers(const RenamePath&, LeftoverSearch&);
const std::string* target_path(const RenamePath&);
void capture(const RestorePath&, CaptureBefore&, Before&);
Inverse invert(const RestorePath&, const Before&);
bool satisfied(const RestorePath&, const MachineReader&);
void touch(const RestorePath&, const Before&, Things&);
void add_leftovers(const RestorePath&, LeftoverSearch&);
const std::string* target_path(const RestorePath&);

// For what other domains do to paths. Whether something existed at the first path.
bool existed(const Before& before);
// Restores what was at the path, or removes what was written to it.
Inverse inverse_of_write(const std::string& path, const Before& before, bool sensitive);
// Adds the path that was captured as the i-th, or else the given one.
void touch_path(std::size_t i, const std::string& given, const Before& before, Things& things,
                const char* kind = "path");

// Records the result of a read, as far as it is not volatile.
void note(const ViewFile&, const ViewFile::Result&, Preconditions&);
void note(const ListFolder&, const ListFolder::Result&, Preconditions&);
void note(const ResolvePath&, const ResolvePath::Result&, Preconditions&);
void note(const DigestFile&, const DigestFile::Result&, Preconditions&);
void note(const ReadGrants&, const ReadGrants::Result&, Preconditions&);

// The result of a read after the simulated actions.
ViewFile::Result simulated(const ViewFile&, Simulation&);
ListFolder::Result simulated(const ListFolder&, Simulation&);
ResolvePath::Result simulated(const ResolvePath&, Simulation&);
DigestFile::Result simulated(const DigestFile&, Simulation&);
ReadGrants::Result simulated(const ReadGrants&, Simulation&);

// Applies the action to the overlay, with the errors that the real machine would give.
void simulate(const WriteFile&, Simulation&);
void simulate(const CreateSecret&, Simulation&);
void simulate(const CreateSshKey&, Simulation&);
void simulate(const CreateDirectory&, Simulation&);
void simulate(const CreateLink&, Simulation&);
void simulate(const SetAttributes&, Simulation&);
void simulate(const RemovePath&, Simulation&);
void simulate(const RenamePath&, Simulation&);
void simulate(const RestorePath&, Simulation&);

}  // namespace mlops
