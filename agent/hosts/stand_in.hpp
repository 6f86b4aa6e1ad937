// The participant in the place of a host that cannot take part, or not yet: it changes nothing, and says why.
#pragma once

#include <string>

#include "facts/facts.hpp"
#include "hosts/participant.hpp"

namespace mlops {

class StandIn : public Participant {
 public:
  // Why there is nobody in its place.
  struct Reason {
    Outcome outcome = Outcome::unknown;  // of its resources: unknown or skipped
    std::string text;                    // with each of them: "waits for ssh_host[box]"
    std::string cause;  // the label that it waits for, or the root cause: "ssh_host[box]", "host box"
  };
  // name, is_named: as in HostValues. selection: the resources that are reported. All but the texts and the
  // sink are borrowed.
  StandIn(std::string name, bool is_named, const Playbook& playbook, const PartSettings& selection,
          Reason reason, EventSink sink);

  // From now on this is the reason.
  void set(Reason reason);
  const Reason& reason() const { return reason_; }
  // Why a play is skipped wherever it runs, as far as that is known from the values of others; absent: it is
  // not known to be skipped.
  std::optional<std::string> mismatch(std::size_t index, const std::vector<HostValues>& others) const;

  // Whether the selection contains a resource of the play.
  bool has_selected(const Play& play) const;

  const HostValues& values() const override { return values_; }
  void join() override {}
  void begin(Pass pass, const std::vector<std::size_t>& plays) override;
  void play(std::size_t index, const std::vector<HostValues>& others) override;
  PassResult end() override { return result_; }
  void prepare() override {}
  PruneResult prune(const PruneOrder&) override { return {}; }

 private:
  bool is_selected(const Resource& resource) const;
  void conclude(const Resource& resource, const Reason& reason);

  const Playbook& playbook_;
  const PartSettings& selection_;
  Reason reason_;
  EventSink sink_;
  Facts facts_;
  HostValues values_;
  PassResult result_;
};

}  // namespace mlops
