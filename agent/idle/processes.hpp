// The processes of this machine, from /proc (proc(5)).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace mlops {

struct ProcessEntry {
  int pid = 0, parent = 0;
  std::uint32_t uid = 0;  // effective
  std::string name;       // comm: 15 characters at most
};

// proc is for tests. Error if it or a process in it cannot be read; a process that ends meanwhile is left out.
std::vector<ProcessEntry> list_processes(const std::string& proc = "/proc");

// What the process was started with, as far as the first 16 KiB; empty if it has ended, or is one of the
// kernel's. Whatever it claims: a process may change it. Error as above.
std::vector<std::string> command_line(int pid, const std::string& proc = "/proc");

// The inodes of the sockets that the process has open; empty if it has ended. Error denied if this process may
// not see them, and if it has more than 100,000 files open.
std::set<std::uint64_t> open_sockets(int pid, const std::string& proc = "/proc");

}  // namespace mlops
