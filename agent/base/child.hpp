// A child process and its pipes, as handles that clean up after themselves.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/output_tail.hpp"

namespace mlops {

// One file descriptor, never 0, 1 or 2, so that dup2 onto those cannot overwrite it.
class ChildFd {
 public:
  ChildFd() = default;
  ChildFd(int fd, const char* doing) : fd_(fd) {
    if (fd_ >= 0 && fd_ <= 2) {
      fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
      ::close(fd);
    }
    if (fd_ < 0) throw system_error(doing, errno);
  }
  ChildFd(ChildFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ChildFd& operator=(ChildFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~ChildFd() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// One of the child's outputs: a pipe, or for a child that may outlive us a file in memory, which never blocks
// or breaks. `theirs` is the end that the child gets.
struct ChildOutput {
  ChildFd ours, theirs;
  bool is_file = false;
  OutputTail tail;
  LineSplitter lines{nullptr};

  ChildOutput(bool file, LineSplitter::Sink on_line) : is_file(file), lines(std::move(on_line)) {
    if (file) {
      ours = ChildFd(::memfd_create("output", MFD_CLOEXEC), "cannot make a file in memory");
      ::fcntl(ours.get(), F_SETFL, O_APPEND);
      theirs = ChildFd(::fcntl(ours.get(), F_DUPFD_CLOEXEC, 3), "cannot duplicate a descriptor");
      return;
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
    ChildFd reading(ends[0], "cannot make a pipe"), writing(ends[1], "cannot make a pipe");
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    ours = std::move(reading);
    theirs = std::move(writing);
  }

  // Reads what is available now. Closes `ours` at a pipe's end.
  void read() {
    char buffer[65536];
    while (ours) {
      const ssize_t n =
          is_file ? ::pread(ours.get(), buffer, sizeof buffer, at_) : ::read(ours.get(), buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) {
        if (!is_file) ours.close();
        return;
      }
      at_ += n;
      const std::string_view bytes(buffer, static_cast<std::size_t>(n));
      tail.add(bytes);
      lines.add(bytes);
      if (!is_file) return;  // poll reports further data; other outputs get their turn
    }
  }

 private:
  off_t at_ = 0;
};

// A child process, from fork until it was waited for. Otherwise the destructor kills its whole process group.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {
    try {
      pidfd_ =
          ChildFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), "cannot watch a program");  // Linux 5.3
    } catch (...) {
      end();
      throw;
    }
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int fd() const { return pidfd_.get(); }
  pid_t pid() const { return pid_; }
  void signal(int number) { ::kill(-pid_, number); }
  // Its raw status, for W* of wait(2).
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }
  void abandon() { pid_ = -1; }

 private:
  void end() {
    if (pid_ < 0) return;
    signal(SIGKILL);
    wait();
  }
  pid_t pid_;
  ChildFd pidfd_;
};

}  // namespace mlops
