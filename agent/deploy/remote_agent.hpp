// Starts this program on a target, and sends it there if needed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/cancellation.hpp"
#include "base/progress.hpp"
#include "deploy/bundle.hpp"
#include "ssh/connection.hpp"

namespace mlops {

struct RemoteProgram {
  // positioned right at the program's first byte: login banners have been skipped
  std::unique_ptr<Channel> channel;
  bool sent = false;             // it was missing on the host
  std::uint64_t bytes_sent = 0;  // of the bundle
};

// What to start there.
struct RemoteStart {
  std::string arguments = "serve";  // for the program: words of letters, digits and -_=./
  Bundle bundle;                    // of this machine's architecture
  // for another architecture; Error if there is none
  std::function<Bundle(const std::string& architecture)> bundle_for;
};

// Starts `mlops-agent serve` on the host: one round trip if this build is already there, under its cache folder
// by content hash, else the bundle (program, libraries, loader) is sent through the same channel, verified, and
// put in place atomically. Older ones are removed. See scripts.hpp for the layout on the host. Errors,
// unavailable, say what prevents it: another architecture, no space, no folder to execute from (each folder
// that was tried, and why), no POSIX shell. Error cancelled. progress is called on this thread.
RemoteProgram start_remote_agent(Connection& connection, const Cancellation& cancellation,
                                 const ProgressSink& progress);
RemoteProgram start_remote_agent(Connection& connection, const RemoteStart& start,
                                 const Cancellation& cancellation, const ProgressSink& progress);

}  // namespace mlops
