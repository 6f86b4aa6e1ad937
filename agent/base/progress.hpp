// Progress of slow operations.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace mlops {

// Reported by a slow action while it runs. total is 0 if it is not known.
struct Progress {
  // "downloading https://…", "waiting for apt-get (pid 812)"; "": a question follows on the terminal, which the
  // live line is to leave.
  std::string doing;
  std::uint64_t done = 0, total = 0;  // bytes
};
using ProgressSink = std::function<void(const Progress&)>;

}  // namespace mlops
