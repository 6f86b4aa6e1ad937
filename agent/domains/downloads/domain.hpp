// The domain of downloads, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "domains/downloads/actions.hpp"
#include "domains/downloads/queries.hpp"
#include "domains/downloads/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

struct DownloadsReplaced {  // the path is captured as that of a file
  static constexpr auto fields() { return std::tuple(); }
  friend bool operator==(const DownloadsReplaced&, const DownloadsReplaced&) = default;
};

struct DownloadsLocal;  // domains/downloads/local.hpp

struct DownloadsDomain {
  using Reader = DownloadReader;
  using Actions = DownloadActions;
  using Queries = DownloadQueries;
  using Replaced = DownloadsReplaced;
  template <class Asker>
  using Asked = AskedDownloads<Asker>;
  using Local = DownloadsLocal;
};

// For undo; see domains/undo_parts.hpp.
void capture(const Download&, CaptureBefore&, Before&);
Inverse invert(const Download&, const Before&);
bool satisfied(const Download&, const MachineReader&);
void touch(const Download&, const Before&, Things&);
void add_leftovers(const Download&, LeftoverSearch&);
const std::string* target_path(const Download&);

// It has no objects of its own that actions leave behind.
inline std::optional<std::string> fingerprint(DownloadsDomain, const std::string&, const std::string&,
                                              const MachineReader&) {
  return std::nullopt;
}

// Records the result of a read, as far as it is not volatile.
void note(const ReadPublished&, const ReadPublished::Result&, Preconditions&);
inline void note(const ReadProved&, const ReadProved::Result&, Preconditions&) {}
inline void note(const ReadUnchanged&, const ReadUnchanged::Result&, Preconditions&) {}
inline void note(const ReadMirrored&, const ReadMirrored::Result&, Preconditions&) {}

// The result of a read after the simulated actions.
ReadPublished::Result simulated(const ReadPublished&, Simulation&);
ReadProved::Result simulated(const ReadProved&, Simulation&);
ReadUnchanged::Result simulated(const ReadUnchanged&, Simulation&);
ReadMirrored::Result simulated(const ReadMirrored&, Simulation&);

// Applies the action to the overlay, with the errors that the real machine would give.
void simulate(const Download&, Simulation&);

}  // namespace mlops
