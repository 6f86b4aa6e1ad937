// The stages of a host that is awaited, without a host.
#include "hosts/arrival_watch.hpp"

#include "hosts/host_readiness.hpp"
#include "support/catch.hpp"

using namespace mlops;
using Catch::Contains;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const ArrivalWatch::Time start{};

ArrivalWatch watch_of(seconds whole = seconds(600)) { return {"box", whole, start}; }

}  // namespace

TEST_CASE("A stage has its own limit within that of the host", "[arrival]") {
  ArrivalWatch watch = watch_of();
  CHECK(watch.left(start + seconds(1)) == seconds(599));
  watch.saw(ArrivalStage::port, "no answer", start + seconds(10));
  CHECK(watch.doing() == "waiting for box: port 22");
  CHECK(watch.left(start + seconds(590)) == seconds(10));
  watch.saw(ArrivalStage::login, "refused", start + seconds(20));
  watch.saw(ArrivalStage::login, "refused again", start + seconds(30));
  CHECK(watch.left(start + seconds(30)) == seconds(110));
  CHECK(watch.left(start + seconds(140)).count() == 0);
  const std::string failure = watch.failure(start + seconds(140));
  CHECK_THAT(failure, Catch::StartsWith("box was not reached within 2 min 00 s: refused again. "));
  CHECK_THAT(failure, Contains("the stage `login`") && Contains("the image's own"));
}

TEST_CASE("The host's limit is the last one, however its stages change", "[arrival]") {
  ArrivalWatch watch = watch_of(seconds(60));
  for (int at = 0; at < 60; at += 2)
    watch.saw(at % 4 ? ArrivalStage::login : ArrivalStage::host_key, "seen", start + seconds(at));
  CHECK(watch.left(start + seconds(60)).count() == 0);
  CHECK_THAT(watch.failure(start + seconds(60)), Contains("Is the user"));
}

TEST_CASE("Each stage has a name and an advice of its own", "[arrival]") {
  std::vector<std::string> seen;
  for (std::size_t i = 1; i < arrival_stage_count; ++i) {
    ArrivalWatch watch = watch_of();
    watch.saw(static_cast<ArrivalStage>(i), "why", start);
    const std::string failure = watch.failure(start + seconds(600));
    CHECK_THAT(failure, Contains(std::string("`") + name_of(static_cast<ArrivalStage>(i)) + "`"));
    CHECK(std::count(seen.begin(), seen.end(), failure.substr(failure.rfind("`"))) == 0);
    seen.push_back(failure.substr(failure.rfind("`")));
  }
  ArrivalWatch watch = watch_of();
  watch.saw(ArrivalStage::unknown, "why", start);
  CHECK_THAT(watch.failure(start + seconds(600)), Catch::EndsWith(": why"));
}

TEST_CASE("cloud-init is waited for where it is there, with its own errors", "[arrival]") {
  CHECK(readiness_in("").waits == ArrivalStage::unknown);
  CHECK(readiness_in("Welcome!\n").waits == ArrivalStage::unknown);
  const HostReadiness begins = readiness_in("mlops-agent-status {}\n");
  CHECK(begins.waits == ArrivalStage::cloud_init);
  CHECK(begins.why == "cloud-init has not finished");
  const std::string running =
      "mlops-agent-status {\"v1\":{\"datasource\":null,\"init\":{\"errors\":[],\"start\":1.5},"
      "\"modules-config\":{\"errors\":[\"apt-configure: no key\"]},\"stage\":\"modules-final\"}}";
  CHECK(readiness_in(running).why == "cloud-init is at modules-final; it says: apt-configure: no key");
  const HostReadiness ended =
      readiness_in(running + "\nmlops-agent-result {\"v1\":{\"errors\":[\"one\\u001b[31m\",\"two\"]}}\n");
  CHECK(ended.waits == ArrivalStage::unknown);
  CHECK(ended.errors == "one [31m; two");
  const HostReadiness locked = readiness_in(
      "mlops-agent-status {}\nmlops-agent-result {}\nmlops-agent-lock 812 unattended-upgr\nmlops-agent-lock 9 "
      "x\n");
  CHECK(locked.waits == ArrivalStage::apt_lock);
  CHECK(locked.why == "unattended-upgr (pid 812) holds apt's lock");
}

TEST_CASE("What a host makes of it harms nobody", "[arrival]") {
  for (const char* text : {"mlops-agent-status", "mlops-agent-status [[[[", "mlops-agent-status {\"v1\":[]}",
                           "mlops-agent-result {\"v1\":{\"errors\":{\"a\":1}}}", "mlops-agent-lock"})
    CHECK_NOTHROW(readiness_in(text));
  const std::string deep = "mlops-agent-status " + std::string(30'000, '[');
  CHECK(readiness_in(deep).waits == ArrivalStage::cloud_init);
}
