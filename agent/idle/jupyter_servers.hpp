// The Jupyter servers that run on this machine, from the files that each leaves for its user's programs
// (jpserver-PID.json, of notebook 6 nbserver-PID.json, in the runtime folder of jupyter_core).
//
// Any user may write any such file. So it is read only below the home of its owner, through no link, and its
// token goes to nobody but a server on the loopback whose socket is that same user's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "idle/sockets.hpp"

namespace mlops {

struct JupyterServer {
  std::uint16_t port = 0;
  std::string address = "127.0.0.1";  // numeric
  std::string path = "/";             // base_url, with a slash at both ends
  std::string token;                  // "": it takes everybody
  std::string problem;                // why it cannot be asked; "" if it can
};

struct RuntimeHome {
  std::string home;
  std::uint32_t uid = 0;
};

// The homes of this machine's accounts, each once.
std::vector<RuntimeHome> account_homes();

// What one such file says; absent if it is not one. Its mistakes and what we cannot ask are the server's
// problem.
std::optional<JupyterServer> parse_runtime_file(const std::string& json);

// The servers of these homes that listen, one for each port. A port of `only` on which somebody listens without
// such a file has a problem; other ports than these are left out. Error if a folder cannot be read.
std::vector<JupyterServer> find_jupyter_servers(const std::vector<RuntimeHome>& homes,
                                                const std::vector<TcpSocket>& sockets,
                                                const std::optional<std::vector<std::uint16_t>>& only);

// The body of the answer to GET …/api/kernels. Error if it is not 200, larger than 1 MiB, or takes more than 5
// s.
std::string list_kernels(const JupyterServer& server);

}  // namespace mlops
