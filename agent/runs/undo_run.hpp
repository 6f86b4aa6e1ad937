// The undo of a run, on this machine or on others. Prints nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/questions.hpp"
#include "host_run/undo.hpp"
#include "hosts/chosen_hosts.hpp"
#include "model/diagnostic.hpp"
#include "model/event.hpp"
#include "runs/run_end.hpp"

namespace mlops {

struct UndoRequest {
  std::string run;   // the beginning of an id, or "last"; "": the newest that was not undone
  bool dry = false;  // only shows what would be undone
  bool ask = true;   // shows it, and asks `agree` before anything is done
  UndoSettings settings;
  ReachSettings reach;  // no hosts: this machine

  // Called when the undo on a machine begins ("" for this one): the sink of its events.
  std::function<EventSink(const std::string& host)> sink;
  std::function<void(const std::string&)> warn;  // a message to the person
  // Whether to undo so many resources; host: "" for this machine.
  std::function<bool(std::uint64_t count, const std::string& host)> agree;
  Questions* questions = nullptr;  // for passwords on other machines; borrowed
};

struct UndoResult {
  RunEnd end = RunEnd::done;
  Diagnostics mistakes;                      // in the request: nothing was done
  std::shared_ptr<const Source> hosts_text;  // of --hosts; positions of mistakes point into it
};

// One machine after the other; one that cannot begin does not stop the others.
UndoResult run_undo(const UndoRequest& request, const Cancellation& cancellation);

}  // namespace mlops
