// The main loop: inspects each resource in turn, changes it where it differs, and inspects it again.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "engine/claims.hpp"
#include "engine/identity.hpp"
#include "engine/linked_paths.hpp"
#include "engine/outputs.hpp"
#include "engine/run_observer.hpp"
#include "machine/host.hpp"
#include "model/event.hpp"
#include "playbook/playbook.hpp"
#include "playbook/scopes.hpp"

namespace mlops {

struct RunOptions {
  Outcome acted = Outcome::changed;  // the outcome of a changed resource: would_change on an overlay
  // if not empty: other resources are read for their outputs, never changed
  std::vector<std::string> only, tags;
  bool fail_fast = false;
  std::chrono::milliseconds settle{10'000};  // how long a service may take to come up
  std::string host = "local";                // its name in events
  RunObserver* observer = nullptr;           // borrowed; null: no observer
  std::uint64_t keep_limit = 0;  // bytes kept of what is replaced, see JournalOptions; 0: nothing is kept
  // Collects what resources own or edit: "path /etc/motd", "user ada". Borrowed; null: not needed.
  std::vector<std::string>* claimed = nullptr;
  std::string playbook_key;  // identifies the playbook, as in RunHeader
  // Whether to list the made and converged resources at the end: when_new lists them if nothing is to be done
  // and the digest differs from known_digest.
  enum class Lists { never, when_new, always } lists = Lists::never;
  std::uint64_t known_digest = 0;
};

// A resource that was created or found converged.
struct MadeResource {
  std::string label, declared;  // declared: before values were filled in
  std::string_view type;
  Identity identity;
  LedgerEntry::Came came = LedgerEntry::Came::found;
  Claims claims;
  Value removal;  // see module.hpp
};

struct PassResult {
  std::array<std::uint64_t, outcome_count> counts{};
  bool interrupted = false;
  Diagnostics mistakes;  // found only after values were filled in: conflicts, wrong types, unknown names
  struct Pending {
    Identity identity;
    std::string label;
  };
  std::vector<Pending> pending;  // who has to act for what, in order
  // Over all created or converged resources: user, label and claims. Equal in two passes if all of these are.
  std::uint64_t digest = 0;
  std::vector<MadeResource> made;  // if it was requested

  std::uint64_t count(Outcome o) const { return counts[static_cast<std::size_t>(o)]; }
};

// One pass over the plays of a playbook on one host. A plan and a real run differ only in the host. All
// arguments must outlive it.
class Run {
 public:
  Run(const Playbook& playbook, Host& host, const Facts& facts, IdentityRules& identities,
      const Cancellation& cancellation, EventSink sink, RunOptions options);
  ~Run();

  // Runs the plays of this host, by their place in the playbook, in order; call finish once afterwards.
  void play(std::size_t index);
  PassResult finish();
  // All plays.
  PassResult go();

  // What the other hosts of the run have provided so far.
  void set_others(std::vector<HostValues> others) { run_scope_.set_others(std::move(others)); }
  // The outputs of the plays run so far.
  const GivenById& given() const { return run_scope_.given(); }

  // Forwards progress of an action, with the resource that it is for.
  void progress(const Progress& p) const;

 private:
  struct Instance;
  struct Record;
  struct Queued;
  struct Notification {
    std::vector<std::string> maybe;  // not empty: it is only known that these may notify
    bool certain = false;
    std::string note;  // if an earlier run notified
  };

  void run(const Play& play);
  void refer_failed(Instance& instance, const SkippedReference& reference);
  // Calls tell for each resource of a play that is not run, with the reason.
  void each_of(const Play& play, const std::function<void(Instance&)>& tell);
  void resource(const Resource& resource);
  void repeat(const Resource& resource);
  template <class Work>
  bool as_a_whole(const Resource& resource, const Work& work);
  bool included(const Resource& resource);
  void instance(const Resource& resource, const std::string& key, const Value* item);
  void attempt(const Resource& resource, const std::string& key, const Value* item);
  bool wants_again(const Instance& instance, const Error& error);
  void wait_to_try(const Resource& resource);
  const Scope& scope_of(const Resource& resource) const { return scopes_->of(resource.include); }
  void give(const Instance& instance, Outputs outputs);
  bool selected(const Resource& resource) const;
  Instance fill(const Resource& resource, const std::string& key, const Value* item);
  void look(Instance& instance);
  void require_right(Instance& instance, const Diff& diff);
  std::any inspect(Instance& instance, Preconditions& ground);
  void begin(const Instance& instance);
  void wrote(const Instance& instance, std::span<const Action> actions);
  void show_observer(const Instance& instance, Preconditions ground, const Diff& diff);
  void act(Instance& instance, const Diff& diff, std::vector<std::string> maybe);
  void read_only(Instance& instance);
  std::optional<std::string> prove(const Instance& instance, std::vector<Change>& changes);
  Diff settled_diff(Instance& instance, Preconditions& ground, std::any& current);
  std::string evidence(const Instance& instance);
  void pause();
  void queue(Instance& instance, Diff diff, std::vector<std::string> maybe);
  void flush();
  bool joins_queue(const Resource& resource) const;
  void done(Instance& instance, Outcome outcome, ResourceFinished event);
  void fail(Instance& instance, const Error& error, std::vector<Change> changes = {});
  void fail_unless_awaited(Instance& instance, const Error& error, std::vector<Change> changes = {});
  void failed(const Instance& instance);
  void skip(Instance& instance, const std::string& reason);
  void skip_after(Instance& instance, const std::string& cause);
  void not_known(Instance& instance, const Unknown& unknown);
  void into_effect(const Instance& instance, const std::any& current);
  void finish(Instance& instance, ResourceFinished event);
  void look_for_cut_off(Instance& instance);
  void recover(Instance& instance);
  StepInfo purpose(const Instance& instance, std::vector<Change> changes);
  void deliver(const Resource& resource);
  void note_made(const Instance& instance, Outcome outcome);
  void list_made();
  void drop_stale();
  void note_unkept(Instance& instance, const Diff& diff);
  void notify(const Instance& instance, bool certain);
  void look_again(std::size_t first);
  void drifted(Record& record, const std::string& reason);

  const Playbook& playbook_;
  Host& host_;
  IdentityRules& identities_;
  const Cancellation& cancellation_;
  EventSink sink_;
  RunOptions options_;
  RunScope run_scope_;
  std::unique_ptr<Scopes> scopes_;
  PassResult result_;
  Failures failures_;
  Failures unknown_;  // resources whose state after the run is not known
  Failures pending_;  // changed resources, if any resource has `after`
  bool any_after_ = false;
  Written written_;
  std::vector<ClaimHolder> holders_;
  std::deque<Value> filled_;  // the parameters that holders_ point to
  bool holds_claims_ = false;
  std::map<std::string, Notification> notified_;  // by the id of the notified resource
  std::vector<Record> records_;
  std::vector<Queued> queue_;
  RealPaths real_paths_;
  std::string label_;  // of the current resource
  std::size_t play_ = 0;
  const Resource* trying_ = nullptr;  // the resource being attempted
  std::uint64_t tries_left_ = 0;      // of that resource, if it fails
  bool again_ = false;                // it failed, and is retried
  bool half_done_ = false;            // its partial results are not trusted
  std::uint64_t sequence_ = 0;        // of the last step performed
  bool stopped_ = false;
};

}  // namespace mlops
