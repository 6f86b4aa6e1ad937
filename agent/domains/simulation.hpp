// The simulated host of a plan: what its domains share, and what one identity sees of it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>
#include <vector>

#include "base/error.hpp"
#include "domains/domains.hpp"

namespace mlops {

// A domain's overlay whose actions are not undone within a step: none of them is exact (ActionTraits).
struct AssumingOverlay {
  void begin() {}
  void commit() {}
  void go_back() {}
};

// Shared by all identities of the simulated host.
class SimulatedHost {
 public:
  using Labels = std::vector<std::string>;

  // The real host, read as its caller and as root; both must outlive it.
  SimulatedHost(const MachineReader& real, const MachineReader& root) : real_(real), root_(root) {}

  // The domain's overlay of that type, made on first use: Overlay::over(real, root).
  template <class Overlay>
  Overlay& overlay() {
    auto& slot = overlays_[typeid(Overlay)];
    if (!slot) {
      slot = std::make_unique<Holding<Overlay>>(real_, root_);
      if (stepping_) slot->begin();
    }
    return static_cast<Holding<Overlay>&>(*slot).overlay;
  }

  // Between begin and commit or go_back all changes of the overlays are recorded; go_back reverts them.
  void begin() {
    stepping_ = true;
    for (auto& [type, overlay] : overlays_) overlay->begin();
  }
  void commit() {
    stepping_ = false;
    for (auto& [type, overlay] : overlays_) overlay->commit();
  }
  void go_back() {
    stepping_ = false;
    for (auto& [type, overlay] : overlays_) overlay->go_back();
  }

  std::string person;                  // the person that the run is for
  std::string label;                   // of the resource whose actions and reads these are
  Labels all;                          // resources that performed any action
  Labels installing;                   // resources whose packages' scripts will run
  Labels unforeseen;                   // those of them whose further packages are not known
  Labels running;                      // resources whose programs may change any state
  std::map<std::string, Labels> path;  // by user: folders that commands find before PATH
  std::optional<Labels> depended_on;   // by the current resource, if it declares them
  Labels doubts;                       // see Host::doubts
  Labels awaited;                      // those of them that may create what was found absent

  static void add(Labels& labels, const std::string& label);
  // Throws Unknown if a program that may change any state comes first.
  void need_foresight() const {
    if (!running.empty()) throw Unknown{running, ""};
  }
  // Notes that what was found may be different once these resources have acted, …
  void doubt(const Labels& labels) {
    for (const std::string& one : labels) add(doubts, one);
  }
  // … or that they may create what is absent.
  void await(const Labels& labels) {
    doubt(labels);
    for (const std::string& one : labels) add(awaited, one);
  }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual void begin() = 0;
    virtual void commit() = 0;
    virtual void go_back() = 0;
  };
  template <class Overlay>
  struct Holding : Held {
    Holding(const MachineReader& real, const MachineReader& root) : overlay(Overlay::over(real, root)) {}
    void begin() override { overlay.begin(); }
    void commit() override { overlay.commit(); }
    void go_back() override { overlay.go_back(); }
    Overlay overlay;
  };

  const MachineReader& real_;
  const MachineReader& root_;
  bool stepping_ = false;
  std::map<std::type_index, std::unique_ptr<Held>> overlays_;
};

// As one identity.
class Simulation {
 public:
  // real: the real machine, as that identity reads it.
  Simulation(SimulatedHost& shared, const MachineReader& real_machine, std::string identity)
      : host(shared), real(real_machine), user(std::move(identity)) {}

  SimulatedHost& host;
  const MachineReader& real;
  const std::string user;
};

}  // namespace mlops
