#include "hosts/arrival_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/wording.hpp"

namespace mlops {
namespace {

using std::chrono::milliseconds;

struct Described {
  const char *name, *advice;
};

// By ArrivalStage.
constexpr Described described[arrival_stage_count] = {
    {"", ""},
    {"address",
     "Does its name have an address? After a start it has another one, which the next run writes to the ssh "
     "configuration"},
    {"port 22",
     "Is it running, may this machine's address pass its security group (a rule `here` follows your "
     "address on the next run; a VPN changes it), and has its own address changed?"},
    {"host key",
     "Nothing was sent there. Another machine answers at this address, or one in between; if the host "
     "has moved, the next run writes its new address to the ssh configuration; if a machine of EC2 has not "
     "taken "
     "the key of its user data, the next run takes the one that its console shows, some minutes after its "
     "start"},
    {"login",
     "Is the user the image's own (ubuntu, admin, ec2-user), and is the key the one that the machine was "
     "made with?"},
    {"cloud-init", "There: cloud-init status --long, and /var/log/cloud-init-output.log"},
    {"apt lock",
     "There: systemctl status apt-daily.service apt-daily-upgrade.service. It ends by itself; do not "
     "remove the lock's file"},
};

const Described& of(ArrivalStage stage) { return described[static_cast<std::size_t>(stage)]; }

std::string limit_text(milliseconds time) { return duration(std::chrono::duration<double>(time).count()); }

}  // namespace

const char* name_of(ArrivalStage stage) { return of(stage).name; }

StageLimits default_stage_limits() {
  StageLimits limits{};
  limits[static_cast<std::size_t>(ArrivalStage::host_key)] = std::chrono::minutes(5);
  limits[static_cast<std::size_t>(ArrivalStage::login)] = std::chrono::minutes(2);
  return limits;
}

ArrivalWatch::ArrivalWatch(std::string host, milliseconds whole, Time now, const StageLimits& limits)
    : host_(std::move(host)), whole_(whole), begun_(now), since_(now), limits_(limits) {}

void ArrivalWatch::saw(ArrivalStage stage, std::string why, Time now) {
  if (stage != stage_) since_ = now;
  stage_ = stage;
  why_ = std::move(why);
}

std::string ArrivalWatch::doing() const {
  return stage_ == ArrivalStage::unknown ? "connecting"
                                         : fmt::format("waiting for {}: {}", host_, of(stage_).name);
}

milliseconds ArrivalWatch::limit() const { return limits_[static_cast<std::size_t>(stage_)]; }

milliseconds ArrivalWatch::left(Time now) const {
  const auto until = [&](Time begin, milliseconds limit) {
    return std::chrono::ceil<milliseconds>(begin + limit - now);
  };
  const milliseconds all = until(begun_, whole_);
  return limit().count() == 0 ? all : std::min(all, until(since_, limit()));
}

std::string ArrivalWatch::failure(Time now) const {
  const bool whole_passed = now >= begun_ + whole_;
  std::string text = fmt::format("{} was not reached within {}: {}", host_,
                                 limit_text(whole_passed ? whole_ : std::min(whole_, limit())), why_);
  if (stage_ == ArrivalStage::unknown) return text;
  while (text.ends_with('.')) text.pop_back();
  return text + fmt::format(". It was at the stage `{}` for {}. {}", of(stage_).name,
                            limit_text(std::chrono::ceil<milliseconds>(now - since_)), of(stage_).advice);
}

}  // namespace mlops
