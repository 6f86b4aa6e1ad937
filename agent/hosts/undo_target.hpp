// The machine on which a run is taken back: this one, or one that is reached by ssh.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hosts/remote_host.hpp"
#include "runs/undo.hpp"

namespace mlops {

// Driven in this order: read, in_thought, for_real. Its events go to the sink that it was made with.
class UndoTarget {
 public:
  virtual ~UndoTarget() = default;
  // The machine's name in events: "local", or as --host has it.
  virtual const std::string& name() const = 0;
  // run: the beginning of an id, or "last"; "": the newest that can be taken back. NoSuchRun, UndoRefused, Error.
  virtual RecordedRun read(const std::string& run) = 0;
  virtual std::vector<std::string> stays() const = 0;    // as UndoRun has it
  virtual std::vector<std::string> resumes() const = 0;  // the same
  virtual UndoRun::Result in_thought() = 0;
  virtual UndoRun::Result for_real() = 0;
};

std::unique_ptr<UndoTarget> undo_here(const UndoSettings& settings, const Cancellation& cancellation, EventSink sink,
                                      std::function<void(const std::string&)> notice);
// Connects. Errors of RemoteAgent. questions: as RemoteSettings has them; null: nobody is asked for a password.
std::unique_ptr<UndoTarget> undo_there(const std::string& host, const RemoteSettings& reach, const UndoSettings& settings,
                                       const Cancellation& cancellation, EventSink sink);

}  // namespace mlops
