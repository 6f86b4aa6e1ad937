// Which system calls change something that outlives the process, and what one of them is about to do. x86_64.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace torture {

// One call as a stopped process is about to make it.
struct Call {
  pid_t thread = 0;
  long number = 0;
  std::array<std::uint64_t, 6> arguments{};
};

// The numbers that a filter must stop at: calls that change something, or may.
std::vector<long> candidate_calls();

// Whether this one changes something: a file that is opened is made, cut or written; what is written to is a
// regular file; a program is started, a process is signalled, data is made durable. Reads the stopped thread's
// memory and descriptors.
bool is_changing(const Call& call);

// Whether it needs room on a disk: what a full disk makes fail.
bool takes_room(const Call& call);
// Whether a read-only file system makes it fail.
bool writes_files(const Call& call);

// "useradd: renameat2 /etc/passwd+ /etc/passwd"
std::string description(const Call& call);

// The name of the program that the thread runs.
std::string program_of(pid_t thread);
// The absolute path (in the tracer's root) of a path argument and its folder's descriptor; "" where unreadable.
std::string path_of(pid_t thread, std::uint64_t folder, std::uint64_t text);
// What a descriptor of the thread is open on, as proc(5) says it.
std::string path_of_descriptor(pid_t thread, std::uint64_t descriptor);
std::string read_text(pid_t thread, std::uint64_t address);
std::string read_bytes(pid_t thread, std::uint64_t address, std::size_t size);

// The paths of a call, absolute: none, one or two. Of a descriptor's call, what it is open on.
std::vector<std::string> paths_of(const Call& call);

}  // namespace torture
