// The machine on which a run is undone: this one, or one reached over ssh.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host_run/undo.hpp"
#include "hosts/remote_host.hpp"

namespace mlops {

// Driven in this order: read, simulate, for_real. Its events go to the sink that it was created with.
class UndoTarget {
 public:
  virtual ~UndoTarget() = default;
  // The machine's name in events: "local", or as in --host.
  virtual const std::string& name() const = 0;
  // run: the beginning of an id, or "last"; "": the newest that can be undone. NoSuchRun, UndoRefused, Error.
  virtual RecordedRun read(const std::string& run) = 0;
  virtual std::vector<std::string> stays() const = 0;    // as in UndoRun
  virtual std::vector<std::string> resumes() const = 0;  // as in UndoRun
  virtual PassResult simulate() = 0;
  virtual PassResult for_real() = 0;
};

std::unique_ptr<UndoTarget> undo_here(const UndoSettings& settings, const Cancellation& cancellation,
                                      EventSink sink, std::function<void(const std::string&)> notice);
// Connects. Errors of RemoteAgent. questions: as in RemoteSettings; null: nobody is asked for a password.
std::unique_ptr<UndoTarget> undo_there(const std::string& host, const RemoteSettings& reach,
                                       const UndoSettings& settings, const Cancellation& cancellation,
                                       EventSink sink);

}  // namespace mlops
