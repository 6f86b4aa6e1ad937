// The Jupyter servers that run on this machine, from the files that each leaves for its user's programs
// (jpserver-PID.json, of notebook 6 nbserver-PID.json, in the runtime folder of jupyter_core).
//
// Any user may write any such file, and listen on any port and address of the loopback. So a file is read only
// below the home of its owner, through no link; it is believed only of the socket that gets the connections to
// its address and port, if that is the same user's; and the token is sent only when that very socket still
// does.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "idle/processes.hpp"
#include "idle/sockets.hpp"

namespace mlops {

struct JupyterServer {
  std::uint16_t port = 0;             // 0: it listens on a socket of the file system
  std::string address = "127.0.0.1";  // numeric
  std::string path = "/";             // base_url, with a slash at both ends
  std::string token;                  // "": it takes everybody
  std::string problem;                // why it cannot be asked; "" if it can
  int pid = 0;                        // 0: not known
  TcpSocket listener;                 // whose connections are its own
};

struct RuntimeHome {
  std::string home;
  std::uint32_t uid = 0;
};

// The homes of this machine's accounts, and of those of these sockets' users that are not listed (as by LDAP);
// each once. Error if an account cannot be looked up.
std::vector<RuntimeHome> account_homes(const std::vector<TcpSocket>& sockets);

// What one such file says; absent if it is not one. Its mistakes and what we cannot ask are the server's
// problem.
std::optional<JupyterServer> parse_runtime_file(const std::string& json);

// The servers of these homes that run, one for each user, port and address. What listens on a port of `only`
// without such a file has a problem; other ports than these are left out. A user's servers after the eighth are
// one with a problem. Error if a folder cannot be read.
std::vector<JupyterServer> find_jupyter_servers(const std::vector<RuntimeHome>& homes,
                                                const std::vector<TcpSocket>& sockets,
                                                const std::vector<ProcessEntry>& processes,
                                                const std::optional<std::vector<std::uint16_t>>& only);

// Whether a process was started as a Jupyter server.
bool is_jupyter_server(const std::vector<std::string>& command_line);

// The processes that were started as Jupyter servers and hold no socket of those that were found: they keep
// their runtime files elsewhere (JUPYTER_RUNTIME_DIR, XDG_DATA_HOME, another user's home), or listen elsewhere.
// One with a problem for each user. Error if there are too many to look at.
std::vector<JupyterServer> servers_without_file(
    const std::vector<ProcessEntry>& processes, const std::vector<JupyterServer>& found,
    const std::function<std::vector<std::string>(int)>& command_line_of,
    const std::function<std::set<std::uint64_t>(int)>& sockets_of);

// The body of the answer to GET …/api/kernels. Error if it is not 200, larger than 1 MiB, or takes more than 5
// s or until `end`; and if the server's socket is no longer the one that gets its connections, before anything
// is sent. sockets: for tests.
std::string list_kernels(const JupyterServer& server, std::chrono::steady_clock::time_point end,
                         const std::function<std::vector<TcpSocket>()>& sockets = listening_sockets);

}  // namespace mlops
