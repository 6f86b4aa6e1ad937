// The participant for the host that this process runs on.
#pragma once

#include <memory>
#include <optional>

#include "facts/facts.hpp"
#include "host_run/prune.hpp"
#include "hosts/participant.hpp"
#include "machine/journal.hpp"
#include "machine/this_host.hpp"

namespace mlops {

class LocalHost : public Participant {
 public:
  // name: in events. The playbook and the cancellation must outlive it.
  LocalHost(std::string name, const Playbook& playbook, PartSettings settings,
            ThisHostSettings::Password password, const Cancellation& cancellation, EventSink sink);
  ~LocalHost() override;

  const HostValues& values() const override { return values_; }
  void join() override {}
  void begin(Pass pass, const std::vector<std::size_t>& plays) override;
  void play(std::size_t index, const std::vector<HostValues>& others) override;
  PassResult end() override;
  void prepare() override;
  PruneResult prune(const PruneOrder& order) override;

  const Facts& facts() const { return facts_; }
  // Observes both passes; borrowed.
  void set_observer(RunObserver* observer) { watcher_ = observer; }
  // See RunOptions. To be set before the passes; not called in a plan.
  void set_agree_to_loss(decltype(RunOptions::agree_to_loss) agree) { agree_to_loss_ = std::move(agree); }

 private:
  ThisHostSettings host_settings(ThisHostSettings::Password password);
  void tell(const std::string& text);
  void tell_of_interrupted();
  void conclude(PassResult& result);
  std::vector<LedgerEntry> entries(PassResult& result);
  RunHeader header() const;
  bool is_whole() const;
  // Of what the ledger lists for the playbook; 0 if that is not known.
  std::uint64_t listed_digest() const;
  void remove(std::vector<Stale> stale, Value::Array resources, const PruneOrder& order, PruneResult& result);

  RunObserver* watcher_ = nullptr;
  decltype(RunOptions::agree_to_loss) agree_to_loss_;
  const Playbook& playbook_;
  PartSettings settings_;
  const Cancellation& cancellation_;
  EventSink sink_;
  HostValues values_;
  Person person_;
  Identity self_;
  std::unique_ptr<Journals> journals_;
  Pass pass_ = Pass::simulated;
  std::unique_ptr<Run> run_;  // the current pass
  ThisHostSettings::Password password_;
  std::unique_ptr<ThisHost> host_;  // null once it was pruned
  Facts facts_;
  std::unique_ptr<Host> overlay_;
  std::optional<IdentityRules> identities_;
  // Of the last pass.
  std::vector<PassResult::Pending> pending_;
  DeclaredResources held_;
  std::uint64_t digest_ = 0;
  bool failed_ = false;
};

}  // namespace mlops
