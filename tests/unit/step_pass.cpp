#include "engine/step_pass.hpp"

#include "domains/files/actions.hpp"
#include "support/catch.hpp"
#include "support/engine_bench.hpp"

using namespace mlops;
using namespace mlops::attempted;
using test::FakeHost;

namespace {

struct Bench {
  FakeHost host;
  Cancellation cancellation;
  std::vector<ResourceFinished> finished;
  StepPass pass;

  explicit Bench(Outcome acted = Outcome::changed)
      : pass(
            host, cancellation,
            [this](const Event& event) {
              if (const auto* one = std::get_if<ResourceFinished>(&event)) finished.push_back(*one);
            },
            acted) {}
  StepHead head() const { return {"link[/a]", "link", {"root"}}; }
};

const std::vector<Action> one_link = {CreateLink{"/a", "x"}};

}  // namespace

TEST_CASE("a prepared step that changes something is performed, recorded and counted") {
  Bench bench;
  bench.pass.attempt(bench.head(), [&]() -> AttemptResult {
    bench.pass.will_act();
    bench.pass.perform({}, one_link);
    bench.pass.note("by hand");
    return Changed{{{.property = "target", .after = "x"}}, {}};
  });
  CHECK(bench.host.log == std::vector<std::string>{"root: link /a -> x"});
  REQUIRE(bench.finished.size() == 1);
  const ResourceFinished& event = bench.finished[0];
  CHECK(event.label == "link[/a]");
  CHECK(event.as == "root");
  CHECK(event.outcome == Outcome::changed);
  CHECK(event.changes.at(0).property == "target");
  CHECK(event.note == "by hand");
  CHECK(bench.pass.has_acted());
  const PassResult result = bench.pass.finish();
  CHECK(result.count(Outcome::changed) == 1);
  REQUIRE(result.pending.size() == 1);
  CHECK(result.pending[0].identity == Identity{"root"});
}

TEST_CASE("an exception of a prepared step is a result like that of a resource, and the pass continues") {
  Bench bench;
  bench.host.failing["/a"] = "no";
  bench.pass.attempt(bench.head(), [&]() -> AttemptResult {
    bench.pass.perform({}, one_link);
    return Ok{};
  });
  bench.pass.attempt(bench.head(), []() -> AttemptResult { throw std::runtime_error("broken"); });
  bench.pass.attempt(bench.head(), []() -> AttemptResult { throw Error("stop", ErrorKind::cancelled); });
  bench.pass.attempt(bench.head(), []() -> AttemptResult { return Ok{}; });
  REQUIRE(bench.finished.size() == 4);
  CHECK(bench.finished[0].reason == "no");
  CHECK(bench.finished[1].reason == "broken");
  CHECK(bench.finished[2].reason == "interrupted");
  CHECK(bench.finished[3].outcome == Outcome::ok);
  CHECK(!bench.pass.has_acted());
  const PassResult result = bench.pass.finish();
  CHECK(result.count(Outcome::failed) == 3);
  CHECK(result.pending.empty());
}

TEST_CASE("what is unknown in a plan may act, and an identity is pending once") {
  Bench bench(Outcome::would_change);
  for (int i = 0; i < 2; ++i)
    bench.pass.attempt(bench.head(), []() -> AttemptResult { throw Unknown{{"package[p]"}, ""}; });
  REQUIRE(bench.finished.size() == 2);
  CHECK(bench.finished[0].outcome == Outcome::unknown);
  CHECK(bench.finished[0].reason == "waits for package[p]");
  CHECK(!bench.pass.is_real());
  CHECK(bench.pass.finish().pending.size() == 1);
}

TEST_CASE("each performed step of a pass has its number, label and type") {
  Bench bench;
  bench.cancellation.cancel();
  bench.pass.attempt({"link[/b]", "link", {"root"}}, [&]() -> AttemptResult {
    bench.pass.perform({}, one_link);
    return Ok{};
  });
  CHECK(bench.pass.label() == "link[/b]");
  CHECK(bench.pass.finish().interrupted);
}
