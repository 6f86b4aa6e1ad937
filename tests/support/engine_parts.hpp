// The parts of a run over one playbook, on a host that exists only in the test, to be tested one by one.
#pragma once

#include "base/overloaded.hpp"
#include "engine/attempt.hpp"
#include "support/engine_bench.hpp"

namespace mlops::test {

struct EngineParts {
  FakeHost host;
  Site site;
  Cancellation cancellation;
  Person person{"ubuntu", "/home/ubuntu", "/bin/bash", 1000, 1000};
  Facts facts{person};
  IdentityRules identities{host, person, {"root"}};
  Playbook playbook;
  std::vector<Event> events;
  RunContext context;
  RunValues values;
  PassResult result;
  Unreliable unreliable;
  Failures changed;
  Notifications notifications;
  ClaimRegister claims;
  Recheck recheck;
  StepPerformer performer;
  Convergence convergence;
  std::vector<std::string> concluded;  // by the batch: "file[/a] changed"
  WriteBatch batch;
  Attempt attempt;

  // resources: a JSON list.
  explicit EngineParts(const std::string& resources, PriorRunState left = {})
      : playbook(load(resources)),
        context{playbook,
                host,
                identities,
                cancellation,
                [this](const Event& e) { events.push_back(e); },
                {.settle = std::chrono::milliseconds(0), .playbook_key = "mine"}},
        values(playbook, facts, person),
        notifications(left.notifications),
        claims(playbook, nullptr),
        recheck(values, host, Outcome::changed),
        performer(host, recheck, &changed),
        convergence(context, values),
        batch(context, performer, convergence, unreliable.failed,
              [this](Instance& i, const AttemptResult& r) { concluded.push_back(i.label + " " + name_of(r)); }),
        attempt({context, values, unreliable, changed, notifications, claims, performer, convergence, batch}) {
    host.left = std::move(left);
  }

  const Resource& resource(std::size_t index) const { return playbook.plays[0].resources[index]; }
  Element element(std::size_t index) const { return {0, &resource(index), "", {}}; }
  // Filled in, run as root.
  Instance instance(std::size_t index) {
    Instance filled = values.fill(element(index));
    filled.identity = {"root"};
    return filled;
  }
  Attempted attempt_at(std::size_t index) { return attempt.attempt(element(index), false); }

  static std::string name_of(const AttemptResult& result) {
    return std::visit(
        overloaded{[](const attempted::Ok&) -> std::string { return "ok"; },
                   [](const attempted::Changed&) -> std::string { return "changed"; },
                   [](const attempted::Skipped& s) { return "skipped: " + s.reason; },
                   [](const Unknown&) -> std::string { return "unknown"; },
                   [](const attempted::Failed& f) { return to_text(f.outcome) + (": " + f.reason); },
                   [](const attempted::Waiting&) -> std::string { return "waiting"; }},
        result);
  }

 private:
  Playbook load(const std::string& resources) {
    Diagnostics diagnostics;
    Playbook loaded =
        load_playbook(site.write("p.json", R"({"vars": {"x": 1}, "resources": )" + resources + "}"),
                      {{}, {}, "/home/ubuntu"}, engine_modules(), diagnostics);
    for (const Diagnostic& d : diagnostics.list()) throw std::runtime_error(to_text(d));
    return loaded;
  }
};

}  // namespace mlops::test
