// This program on another host: sent there where it is not yet, and started.
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
  std::unique_ptr<Channel> channel;  // stands right behind the program's first byte: banners of login shells are past
  bool sent = false;                 // it was not there
  std::uint64_t bytes_sent = 0;      // of the bundle
};

// What is started there.
struct RemoteStart {
  std::string arguments = "serve";  // for the program: words of letters, digits and -_=./
  Bundle bundle;                    // of this machine's architecture
  std::function<Bundle(const std::string& architecture)> bundle_for;  // of another; Error where there is none
};

// Starts `mlops-agent serve` on the host: one round trip where this very build lies there already, under its cache
// folder by content hash, else the bundle (program, libraries, loader) is sent through the same channel, verified, and
// put in place atomically. Older ones are removed. See far_scripts.hpp for what then lies where. Errors, unavailable,
// say what is in the way: another architecture, no space, nowhere to execute from (each folder that was tried, and
// why), no POSIX shell. Error cancelled. progress is called on this thread.
RemoteProgram start_remote_agent(Connection& connection, const Cancellation& cancellation, const ProgressSink& progress);
RemoteProgram start_remote_agent(Connection& connection, const RemoteStart& start, const Cancellation& cancellation,
                             const ProgressSink& progress);

}  // namespace mlops
