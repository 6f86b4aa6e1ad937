// Runs a program, its output thrown away, and prints what it cost: seconds, largest resident set in kB, exit
// status, seconds of the processor.
//
//   measure PROGRAM ARGUMENT…
//
// A small parent matters: what is started inherits the starter's size as the least of its own largest set.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = vfork();
  if (child < 0) return 2;
  if (child == 0) {
    const int null = open("/dev/null", O_RDWR);
    dup2(null, 1);
    dup2(null, 2);
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) return 2;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const auto in_seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  std::printf("%.6f %ld %d %.6f\n", seconds.count(), usage.ru_maxrss,
              WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
              in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime));
  return 0;
}
