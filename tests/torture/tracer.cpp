#include "tracer.hpp"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

namespace torture {
namespace {

const std::map<std::string, Fault>& fault_names() {
  static const std::map<std::string, Fault> names{
      {"none", Fault::none},         {"kill", Fault::kill},
      {"kill-one", Fault::kill_one}, {"enospc", Fault::enospc},
      {"eio", Fault::eio},           {"eintr", Fault::eintr},
      {"full", Fault::full},         {"read-only", Fault::read_only}};
  return names;
}

// Stops at the candidates, and refuses the other ABI of this machine: its calls would go by uncounted.
void install_filter() {
  std::vector<sock_filter> rules{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                                 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long number : candidate_calls()) {
    rules.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
    rules.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
  }
  rules.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog program{static_cast<unsigned short>(rules.size()), rules.data()};
  // Without no_new_privs, which root may: programs like sudo must get their rights.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) ::_exit(126);
}

double now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

Call call_of(pid_t thread, const user_regs_struct& r) {
  return {thread, static_cast<long>(r.orig_rax), {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9}};
}

class Tracer {
 public:
  Tracer(const std::function<void()>& exec, const Watch& wanted) : wanted_(wanted) {
    int gate[2];
    if (::pipe(gate) != 0) throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ == 0) {
      ::close(gate[1]);
      char byte = 0;
      if (::read(gate[0], &byte, 1) != 1) ::_exit(126);
      ::close(gate[0]);
      install_filter();
      exec();
      ::_exit(127);
    }
    ::close(gate[0]);
    constexpr long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                             PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD |
                             PTRACE_O_EXITKILL;
    if (::ptrace(PTRACE_SEIZE, child_, 0, options) != 0)
      throw std::runtime_error("ptrace is not possible here");
    if (::write(gate[1], "x", 1) != 1) throw std::runtime_error("no pipe");
    ::close(gate[1]);
  }

  Watched go() {
    const double deadline = now() + wanted_.timeout_s;
    double linger = 0;
    wake_often();
    for (;;) {
      int status = 0;
      const pid_t thread = ::waitpid(-1, &status, __WALL);
      if (thread < 0 && errno == ECHILD) break;
      if (thread > 0) on_event(thread, status);
      if (killed_) break;
      const double t = now();
      if (ended_ && linger == 0) linger = t + wanted_.linger_s;
      if (t > deadline || (ended_ && (t > linger || only_strangers()))) {
        (ended_ ? result_.lingered : result_.timed_out) = !only_strangers();
        stop_all();
        break;
      }
    }
    const itimerval off{};
    ::setitimer(ITIMER_REAL, &off, nullptr);
    return result_;
  }

 private:
  // So that waiting ends now and then, to look at the time.
  static void wake_often() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often{{0, 50'000}, {0, 50'000}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }

  // What is left was not started by the program (the server of files).
  bool only_strangers() const { return alive_.empty(); }

  void stop_all() {
    ::kill(-1, SIGKILL);
    while (::waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) {
    }
  }

  void on_event(pid_t thread, int status) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      alive_.erase(thread);
      calls_.erase(thread);
      if (thread == child_) {
        ended_ = true;
        result_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
      return;
    }
    alive_[thread] = true;
    seen_.insert(thread);
    const int event = status >> 16, signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP) return on_call(thread);
    if (event == PTRACE_EVENT_STOP) {
      const bool group_stop = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
      ::ptrace(group_stop ? PTRACE_LISTEN : PTRACE_CONT, thread, 0, 0);
      return;
    }
    if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
      unsigned long made = 0;
      // What was made may have come and gone before this event of its maker is seen.
      if (::ptrace(PTRACE_GETEVENTMSG, thread, 0, &made) == 0 && !seen_.contains(static_cast<pid_t>(made)))
        alive_[static_cast<pid_t>(made)] = true;
    }
    if (event == PTRACE_EVENT_EXEC) {
      // The other threads are gone, and this one may have taken the number of the first.
      unsigned long former = 0;
      if (::ptrace(PTRACE_GETEVENTMSG, thread, 0, &former) == 0 && static_cast<pid_t>(former) != thread) {
        alive_.erase(static_cast<pid_t>(former));
        calls_.erase(static_cast<pid_t>(former));
      }
      started_ = true;
      if (calls_.contains(thread)) return on_return(thread);
    }
    if (event != 0) return go_on(thread, 0);
    if (signal == (SIGTRAP | 0x80)) return on_return(thread);
    go_on(thread, signal);
  }

  // Between a call's begin and its end only that end is waited for.
  void go_on(pid_t thread, int signal) {
    ::ptrace(calls_.contains(thread) ? PTRACE_SYSCALL : PTRACE_CONT, thread, 0, signal);
  }

  void on_call(pid_t thread) {
    user_regs_struct registers{};
    if (::ptrace(PTRACE_GETREGS, thread, 0, &registers) != 0) return;
    const Call call = call_of(thread, registers);
    // That the program itself is started is the tracer's doing.
    if (!started_ || !is_changing(call) || (!wanted_.only.empty() && program_of(thread) != wanted_.only))
      return go_on(thread, 0);
    ++result_.calls;
    if (wanted_.before) wanted_.before(call);
    const bool here = wanted_.at != 0 && result_.calls == wanted_.at;
    if (here) {
      result_.reached = true;
      result_.where = description(call);
    }
    if (here && wanted_.fault == Fault::kill) {
      killed_ = true;
      return stop_all();
    }
    if (here && wanted_.fault == Fault::kill_one) {
      // A thread's process is the one to die.
      ::syscall(SYS_tgkill, group_of(thread), thread, SIGKILL);
      return;
    }
    if (const int error = error_for(call, here)) {
      registers.orig_rax = static_cast<unsigned long long>(-1);
      registers.rax = static_cast<unsigned long long>(-error);
      ::ptrace(PTRACE_SETREGS, thread, 0, &registers);
      return go_on(thread, 0);
    }
    if (wanted_.after) calls_[thread] = call;
    go_on(thread, 0);
  }

  static pid_t group_of(pid_t thread) {
    FILE* file = ::fopen(("/proc/" + std::to_string(thread) + "/status").c_str(), "re");
    int group = thread;
    char line[256];
    while (file && ::fgets(line, sizeof line, file))
      if (::sscanf(line, "Tgid: %d", &group) == 1) break;
    if (file) ::fclose(file);
    return group;
  }

  int error_for(const Call& call, bool here) const {
    const bool since = wanted_.at != 0 && result_.calls >= wanted_.at;
    switch (wanted_.fault) {
      case Fault::enospc:
        return here ? ENOSPC : 0;
      case Fault::eio:
        return here ? EIO : 0;
      case Fault::eintr:
        return here ? EINTR : 0;
      case Fault::full:
        return since && takes_room(call) ? ENOSPC : 0;
      case Fault::read_only:
        return since && writes_files(call) ? EROFS : 0;
      case Fault::none:
      case Fault::kill:
      case Fault::kill_one:
        break;
    }
    return 0;
  }

  void on_return(pid_t thread) {
    const auto found = calls_.find(thread);
    if (found != calls_.end()) {
      user_regs_struct registers{};
      const Call call = found->second;
      ::ptrace(PTRACE_GETREGS, thread, 0, &registers);
      calls_.erase(found);
      wanted_.after(call, static_cast<std::int64_t>(registers.rax));
    }
    go_on(thread, 0);
  }

  const Watch& wanted_;
  pid_t child_ = -1;
  bool started_ = false, ended_ = false, killed_ = false;
  std::map<pid_t, bool> alive_;
  std::set<pid_t> seen_;         // every thread that ever stopped; numbers do not come again in one run
  std::map<pid_t, Call> calls_;  // begun, and to be seen returning
  Watched result_;
};

}  // namespace

Fault fault_of(const std::string& name) {
  const auto found = fault_names().find(name);
  if (found == fault_names().end()) throw std::runtime_error("no fault is called " + name);
  return found->second;
}

std::string name_of(Fault fault) {
  for (const auto& [name, value] : fault_names())
    if (value == fault) return name;
  return "";
}

Watched watch(const std::function<void()>& exec, const Watch& wanted) { return Tracer(exec, wanted).go(); }

}  // namespace torture
