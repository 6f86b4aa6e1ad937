// Whether a new machine has finished its first boot: cloud-init, and what holds apt's lock.
#pragma once

#include <string>

#include "base/cancellation.hpp"
#include "base/error.hpp"
#include "hosts/arrival_watch.hpp"
#include "ssh/connection.hpp"

namespace mlops {

struct HostReadiness {
  ArrivalStage waits = ArrivalStage::unknown;  // cloud_init or apt_lock; unknown: for nothing
  std::string why;     // "cloud-init is at modules-final", "unattended-upgr (pid 812) holds apt's lock"
  std::string errors;  // cloud-init's own, on one line; "" for none
};

// From what the script of read_readiness prints; what the host makes of it can only be wrong, never harm.
HostReadiness readiness_in(const std::string& output);

// One request on the connection, as the login: files of /run/cloud-init (status.json, result.json: Debian's
// cloud-init 22.4, Ubuntu's 24) and /proc/locks are for everyone. A host without cloud-init waits for none.
HostReadiness read_readiness(Connection& connection, const Cancellation& cancellation);

}  // namespace mlops
