#include "machine/overlay.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "domains/accounts/overlay.hpp"
#include "domains/query.hpp"
#include "domains/simulation.hpp"

namespace mlops {
namespace {

class OverlayMachine : public AskedMachine<OverlayMachine, Machine> {
 public:
  OverlayMachine(SimulatedHost& shared, const MachineReader& real, std::string user)
      : host_(shared), simulation_(shared, real, std::move(user)) {}

  template <class Query>
  typename Query::Result ask(const Query& query) const {
    return simulated(query, simulation_);
  }

  void perform(std::span<const Action> actions) override {
    if (actions.size() < 2 || !are_foreseen(actions)) return apply(actions);
    const bool first = std::find(host_.all.begin(), host_.all.end(), host_.label) == host_.all.end();
    host_.begin();
    try {
      apply(actions);
    } catch (const Error&) {
      host_.go_back();
      if (first) std::erase(host_.all, host_.label);
      throw;
    } catch (...) {
      host_.commit();
      throw;
    }
    host_.commit();
  }

 private:
  void apply(std::span<const Action> actions) {
    for (const Action& action : actions) {
      std::visit([this](const auto& a) { simulate(a, simulation_); }, action);
      SimulatedHost::add(host_.all, host_.label);
    }
  }

  SimulatedHost& host_;
  mutable Simulation simulation_;  // a read notes what it doubts
};

class OverlayHost : public Host {
 public:
  OverlayHost(Host& real, const Identity& caller, const std::string& person)
      : real_(real), shared_(real.as(caller), real.as({"root"})) {
    shared_.person = person;
  }
  Machine& as(const Identity& identity) override {
    auto& machine = machines_[identity];
    if (machine) return *machine;
    const bool touched = shared_.overlay<OverlayAccounts>().touched_user(identity.user);
    const bool is_there = shared_.overlay<OverlayAccounts>().user(identity.user).has_value();
    if (!is_there && !touched) {
      // A package's scripts, or a program, may create the user.
      shared_.need_foresight();
      if (!shared_.installing.empty()) throw Unknown{shared_.installing, ""};
    }
    machine = std::make_unique<OverlayMachine>(shared_, base(identity, is_there && touched), identity.user);
    return *machine;
  }
  void require_right(const Identity& identity) const override { real_.require_right(identity); }
  void begin(const std::string& label) override {
    shared_.label = label;
    shared_.depended_on.reset();
    shared_.doubts.clear();
    shared_.awaited.clear();
  }
  std::vector<std::string> awaited() const override { return shared_.awaited; }
  std::vector<std::string> doubts() const override { return shared_.doubts; }
  const PriorRunState& earlier() const override { return real_.earlier(); }
  void depends_only_on(SimulatedHost::Labels labels) override { shared_.depended_on = std::move(labels); }
  void unforeseen() override { SimulatedHost::add(shared_.running, shared_.label); }
  // Not applied to the real host: there the folders count only from their own place in the run on.
  void add_to_path(const Identity& identity, const std::vector<std::string>& folders) override {
    SimulatedHost::Labels& path = shared_.path[identity.user];
    for (const std::string& folder : folders)
      if (std::find(path.begin(), path.end(), folder) == path.end()) path.insert(path.begin(), folder);
  }

 private:
  // A simulated user owns nothing yet: read as root.
  Machine& base(const Identity& identity, bool is_simulated) {
    try {
      return real_.as(identity);
    } catch (const Error& e) {
      if (!is_simulated || e.kind() != ErrorKind::unavailable) throw;
      return real_.as({"root"});
    }
  }
  Host& real_;
  SimulatedHost shared_;
  std::map<Identity, std::unique_ptr<OverlayMachine>> machines_;
};

}  // namespace

bool are_foreseen(std::span<const Action> actions) {
  return std::all_of(actions.begin(), actions.end(),
                     [](const Action& action) { return traits_of(action).effect == Effect::foreseen; });
}

std::unique_ptr<Host> make_overlay_host(Host& real, const Identity& caller, const std::string& person) {
  return std::make_unique<OverlayHost>(real, caller, person);
}

}  // namespace mlops
