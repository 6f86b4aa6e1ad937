// The program with one system call that fails: the n-th of its kind, counted over all of its processes.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <optional>

#include "support/agent_process.hpp"

namespace mlops::test {

struct FailingCall {
  long number = 0;         // SYS_…
  int error = 0;           // errno
  std::uint64_t turn = 1;  // the n-th fails
};

struct Failed {
  Ended ended;
  bool reached = false;  // there were so many calls
};

namespace failing_call {

// All calls of the number wait for whoever has the descriptor (seccomp_unotify(2)). -1 where the kernel has no
// such filter.
inline int watch(long number) {
  const sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                               BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                               BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{std::size(rules), const_cast<sock_filter*>(rules)};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

inline void send(int socket, int descriptor) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
  ::sendmsg(socket, &message, 0);
}

inline int receive(int socket) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  if (::recvmsg(socket, &message, 0) <= 0 || !CMSG_FIRSTHDR(&message)) return -1;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
  return descriptor;
}

// Until the last process is gone. Whether the turn came.
inline bool answer(int listener, const FailingCall& call) {
  std::uint64_t turn = 0;
  for (;;) {
    pollfd ready{listener, POLLIN, 0};
    if (::poll(&ready, 1, -1) < 0 && errno != EINTR) break;
    if ((ready.revents & POLLIN) == 0) {
      if (ready.revents != 0) break;
      continue;
    }
    seccomp_notif asked{};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
    seccomp_notif_resp reply{};
    reply.id = asked.id;
    if (++turn == call.turn)
      reply.error = -call.error;
    else
      reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
  }
  ::close(listener);
  return turn >= call.turn;
}

}  // namespace failing_call

// Absent where the kernel cannot do it. words as for AgentFolder::run, with --state where the test needs it.
inline std::optional<Failed> run_failing(const AgentFolder& folder, const Words& words,
                                         const FailingCall& call) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  const pid_t child = ::fork();
  if (child == 0) {
    for (const auto& [fd, name] : {std::pair{1, "run.out"}, std::pair{2, "run.err"}})
      ::dup2(::open(folder.path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), fd);
    std::vector<char*> argv{const_cast<char*>(AGENT)};
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    const int listener = failing_call::watch(call.number);
    if (listener < 0) ::_exit(126);
    failing_call::send(ends[1], listener);
    ::close(listener);
    ::execv(AGENT, argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  const int listener = failing_call::receive(ends[0]);
  ::close(ends[0]);
  if (listener < 0) {
    ::waitpid(child, nullptr, 0);
    return std::nullopt;
  }
  Failed failed;
  failed.reached = failing_call::answer(listener, call);
  failed.ended = folder.wait(child);
  return failed;
}

}  // namespace mlops::test
