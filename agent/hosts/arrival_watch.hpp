// How a host that is awaited arrives: stage by stage, each with its time limit and its own advice. No I/O.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "base/error.hpp"

namespace mlops {

// In their order. `unknown`: nobody says.
enum class ArrivalStage { unknown, address, port, host_key, login, cloud_init, apt_lock };
inline constexpr std::size_t arrival_stage_count = 7;

// "port 22", as people are shown it.
const char* name_of(ArrivalStage stage);

// How long a host may stay in a stage; zero: as long as it is awaited at all.
using StageLimits = std::array<std::chrono::milliseconds, arrival_stage_count>;  // by ArrivalStage
// An address and a port may take as long as the host; another key there 5 min, for addresses pass from one
// machine to another; a login that is refused 2 min, for a first boot makes the user after sshd has started.
StageLimits default_stage_limits();

// An attempt to reach a host came as far as this stage.
class NotArrived : public Error {
 public:
  NotArrived(ArrivalStage stage, Error why) : Error(std::move(why)), stage_(stage) {}
  ArrivalStage stage() const { return stage_; }

 private:
  ArrivalStage stage_;
};

// It was reached, and nothing is to be done there: another attempt would end alike.
class NotUsable : public Error {
 public:
  explicit NotUsable(Error why) : Error(std::move(why)) {}
};

class ArrivalWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // whole: how long it is awaited at all.
  ArrivalWatch(std::string host, std::chrono::milliseconds whole, Time now,
               const StageLimits& limits = default_stage_limits());

  // An attempt came as far as this stage, and ended there: why. A stage begins anew where it differs from the
  // last.
  void saw(ArrivalStage stage, std::string why, Time now);

  // "waiting for box: port 22", for the live line.
  std::string doing() const;
  // Until it is given up; zero or less: it is.
  std::chrono::milliseconds left(Time now) const;
  // One error for the person: the stage, its limit, what was seen last, and what to do.
  std::string failure(Time now) const;

 private:
  std::chrono::milliseconds limit() const;

  std::string host_, why_;
  std::chrono::milliseconds whole_;
  Time begun_, since_;
  StageLimits limits_;
  ArrivalStage stage_ = ArrivalStage::unknown;
};

}  // namespace mlops
