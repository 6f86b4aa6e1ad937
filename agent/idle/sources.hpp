// The sources of activity, each a function of what the machine shows at the moment of a check. None changes
// anything. Error: it could not be observed; the caller then takes the machine for active.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "idle/decision.hpp"
#include "idle/jupyter_servers.hpp"
#include "idle/processes.hpp"
#include "idle/sockets.hpp"

namespace mlops {

// Bytes a minute that a connection moves at least while somebody uses it. One that only stays open moves about
// 1 KiB: measured, 80 bytes for each keepalive with its reply, each 5 s as our own tunnels send them. A
// handshake of up to 10 KiB is below it too.
inline constexpr std::uint64_t least_traffic = 16 * 1024;

// Somebody has a shell, a command or a file transfer over ssh: a program that a process of sshd started. A
// connection that only forwards ports has none.
Observation observe_logins(const std::vector<ProcessEntry>& processes);

// A connection that sshd has authenticated moved least_traffic a minute. before: what each had moved `seconds`
// ago, and absent at the first check; it is replaced. sockets_of: the inodes of a process's sockets.
// unprivileged: the uid under which sshd awaits a password, if it has such a user; those connections do not
// count.
Observation observe_tunnels(const std::vector<ProcessEntry>& processes, const std::vector<TcpSocket>& sockets,
                            const std::function<std::set<std::uint64_t>(int)>& sockets_of,
                            std::optional<std::uint32_t> unprivileged, std::uint64_t seconds,
                            std::map<std::string, std::uint64_t>& before);

// apt or dpkg works: somebody holds one of its locks.
Observation observe_packages(const std::string& dpkg_folder = "/var/lib/dpkg");

// A terminal, and when something was last read from it: whoever types there, over whatever way (mosh, a serial
// console, Session Manager of AWS, a terminal of Jupyter's), moves its time of access (tty_read() of Linux,
// which rounds it to 8 s).
struct TerminalInput {
  std::string path;
  std::uint64_t last = 0;  // seconds since the epoch
};

// Those in dev/pts, and of dev the consoles and serial lines (tty*, hvc*). Error if a folder cannot be read.
std::vector<TerminalInput> terminal_inputs(const std::string& dev = "/dev");

// Something was read from a terminal since the last check, or it is new. before: the time of each, by its path;
// it is replaced.
Observation observe_terminals(const std::vector<TerminalInput>& terminals,
                              std::map<std::string, std::uint64_t>& before);

// The load average of a minute that one program has reached which has computed alone for 72 s.
inline constexpr double load_of_one_program = 0.7;

// The load average of the last minute is above `per_cent` of the processors or, where that is 100 at most,
// above load_of_one_program: on a machine of many processors, what one program computes is a small share.
// loadavg: /proc/loadavg's text. processors: as sysconf(3) tells it.
Observation observe_load(const std::string& loadavg, long processors, std::uint64_t per_cent);

// A kernel of one of the servers is busy, or did something since the last check. last: the last activity of
// each server's kernels, by its user, port and address; it is replaced. A server that cannot be asked counts as
// active, and hides no other one.
Observation observe_kernels(const std::vector<JupyterServer>& servers,
                            const std::function<std::string(const JupyterServer&)>& list_kernels,
                            std::map<std::string, std::string>& last);

}  // namespace mlops
