// A service has converged once it was up for a while; one that dies or restarts for ever has not.
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

constexpr const char* playbook = R"({"resources": [
  {"type": "service", "name": "a", "state": "running", "stable": "300ms"}]})";

// What is found when it is looked at, one after the other; the last stays.
struct Looks : EngineBench {
  explicit Looks(std::vector<Unit> found) {
    modules = all_modules();
    host.world.s.answers = [list = std::move(found)](int look) {
      return list[std::min(static_cast<std::size_t>(look), list.size()) - 1];
    };
  }
  std::string output() const {
    for (const Event& e : events)
      if (const auto* r = std::get_if<ResourceFinished>(&e)) return r->output;
    return "";
  }
};

Unit in_state(const char* active, const char* sub, std::uint64_t up_ms = UINT64_MAX) {
  return {"a.service", "loaded", active, sub, "enabled", false, "1", up_ms};
}
const Unit stopped = in_state("inactive", "dead"), died = in_state("failed", "failed"),
           begun = in_state("active", "running", 0), up = in_state("active", "running", 300);

}  // namespace

TEST_CASE("A service that dies a moment after it was started has not converged, and what it logged is shown") {
  Looks bench({stopped, begun, died});
  bench.host.world.s.logs["a.service"] = "cannot bind: address in use";
  CHECK(bench.apply(playbook) ==
        Lines{"service[a] not_converged: after the change, state is failed, expected running"});
  CHECK(bench.output() == "cannot bind: address in use");
}

TEST_CASE("A service that was up for long enough counts") {
  Looks bench({stopped, begun, begun, up});
  CHECK(bench.apply(playbook) == Lines{"service[a] changed"});
  CHECK(bench.host.log == Lines{"root: start a.service"});
}

TEST_CASE("A service that ends and restarts for ever has not converged") {
  Looks acted({stopped, begun});
  CHECK(acted.apply(playbook) ==
        Lines{"service[a] not_converged: it does not stay up: it ends and starts again"});
  Looks found({begun});
  CHECK(found.apply(playbook) == Lines{"service[a] failed: it does not stay up: it ends and starts again"});
}

TEST_CASE("A service that is found just begun is looked at until it counts, or is started when it dies") {
  Looks well({begun, begun, up});
  CHECK(well.apply(playbook) == Lines{"service[a] ok"});
  Looks ill({begun, died, up});
  CHECK(ill.apply(playbook) == Lines{"service[a] changed"});
}

TEST_CASE("A plan does not wait for a service whose start is only simulated") {
  Looks bench({stopped});
  CHECK(
      bench.plan(R"({"resources": [{"type": "service", "name": "a", "state": "running", "stable": "1h"}]})") ==
      Lines{"service[a] would_change"});
}
