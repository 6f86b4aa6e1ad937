// The program, killed at the n-th of its system calls that change something, or with that call failing.
#pragma once

#include <sys/user.h>

#include <cerrno>
#include <cstddef>

#include "support/agent_process.hpp"

namespace mlops::test {

enum class Disturbance { kill, fail };  // fail: with EIO

struct Disturbed {
  Ended ended;
  bool reached = false;  // it made so many calls
  unsigned calls = 0;    // of those that count, how many it made
};

class DisturbedProcess {
 public:
  // at: from 1. Calls of its main thread count, not those of what it starts.
  DisturbedProcess(const AgentFolder& folder, const Words& words, Disturbance how, unsigned at)
      : folder_(folder), child_(folder.start_traced(words)), how_(how), left_(at) {}

  Disturbed run() {
    int status = 0;
    ::waitpid(child_, &status, 0);  // its exec
    ::ptrace(PTRACE_SETOPTIONS, child_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    int signal = 0;
    for (;;) {
      ::ptrace(reached_ && !failing_ ? PTRACE_CONT : PTRACE_SYSCALL, child_, nullptr, signal);
      if (::waitpid(child_, &status, 0) < 0 || !WIFSTOPPED(status))
        return {folder_.ended(status), reached_, calls_};
      const bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
      signal = call ? 0 : WSTOPSIG(status);
      if (call) on_call();
    }
  }

 private:
  struct Call {  // ptrace_syscall_info, whose name two system headers give to different types
    std::uint8_t op;
    std::uint8_t padding[3];
    std::uint32_t architecture;
    std::uint64_t instruction, stack;
    std::uint64_t number, arguments[6];
    std::uint32_t data;
  };
  static constexpr std::uint8_t entry = 1;  // PTRACE_SYSCALL_INFO_ENTRY

  // A failing one is the agent's own: the database is another's to test.
  bool counts(const Call& call) const {
    switch (call.number) {
      case SYS_mkdirat:
      case SYS_unlinkat:
      case SYS_renameat2:
      case SYS_symlinkat:
      case SYS_fchmod:
      case SYS_fchown:
      case SYS_fchownat:
      case SYS_utimensat:
        return true;
      case SYS_openat:
        return how_ == Disturbance::kill && (call.arguments[2] & O_CREAT) != 0;
      case SYS_write:
        return how_ == Disturbance::kill && call.arguments[0] > 2;
      case SYS_pwrite64:
      case SYS_fsync:
      case SYS_fdatasync:
        return how_ == Disturbance::kill;
      default:
        return false;
    }
  }

  void on_call() {
    Call call{};
    ::ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), child_, sizeof call, &call);
    if (failing_) {
      failing_ = false;
      give_result(-EIO);
      return;
    }
    if (reached_ || call.op != entry || !counts(call)) return;
    ++calls_;
    if (--left_ > 0) return;
    reached_ = true;
    if (how_ == Disturbance::kill) {
      ::kill(child_, SIGKILL);
      return;
    }
    failing_ = true;
    drop_call();
  }
#if defined(__x86_64__)
  void drop_call() const { ::ptrace(PTRACE_POKEUSER, child_, offsetof(user_regs_struct, orig_rax), -1L); }
  void give_result(long result) const {
    ::ptrace(PTRACE_POKEUSER, child_, offsetof(user_regs_struct, rax), result);
  }
#else
  void drop_call() const {}  // it goes well then
  void give_result(long) const {}
#endif

  const AgentFolder& folder_;
  pid_t child_;
  Disturbance how_;
  unsigned left_, calls_ = 0;
  bool reached_ = false, failing_ = false;
};

inline Disturbed disturbed(const AgentFolder& folder, const Words& words, Disturbance how, unsigned at) {
  return DisturbedProcess(folder, words, how, at).run();
}

}  // namespace mlops::test
