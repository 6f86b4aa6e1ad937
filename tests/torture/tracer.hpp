// Runs a program and all that it starts under ptrace(2), and does something to it at its N-th changing system
// call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "calls.hpp"

namespace torture {

enum class Fault {
  none,
  kill,       // SIGKILL to every process at once
  kill_one,   // SIGKILL to the process that makes the call
  enospc,     // this call fails so
  eio,        //
  eintr,      //
  full,       // from this call on, all that takes room fails with ENOSPC
  read_only,  // from this call on, all that writes to files fails with EROFS
};
Fault fault_of(const std::string& name);  // std::runtime_error for no such fault
std::string name_of(Fault fault);

struct Watch {
  Fault fault = Fault::none;
  std::uint64_t at = 0;   // which changing call, from 1; 0: none
  std::string only = "";  // count only calls of this program (its comm); "": of all
  int timeout_s = 120;    // then everything is killed
  int linger_s = 10;      // how long what it started may outlive the program, before it is killed
  std::function<void(const Call&)> before;               // each changing call
  std::function<void(const Call&, std::int64_t)> after;  // with its result; each call then stops twice
  std::function<void()> finish;                          // at the end, in the tracing process
};

struct Watched {
  int status = -1;  // exit status; 128 + the signal when one ended it
  std::uint64_t calls = 0;
  bool reached = false, timed_out = false, lingered = false;
  std::string where;  // what the N-th call was
};

// exec must not return. To be called by process 1 of a pid namespace, single-threaded: kill(-1) is used.
Watched watch(const std::function<void()>& exec, const Watch& wanted);

}  // namespace torture
