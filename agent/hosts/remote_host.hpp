// The participant for a target reached over ssh: the controller's side of hosts/protocol.hpp.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/questions.hpp"
#include "deploy/remote_agent.hpp"
#include "hosts/controller_files.hpp"
#include "hosts/frame_link.hpp"
#include "hosts/participant.hpp"
#include "hosts/protocol.hpp"
#include "ssh/connection.hpp"

namespace mlops {

// A target with the agent started on it.
struct Reached {
  std::unique_ptr<Connection> connection;
  RemoteProgram program;
};

struct RemoteSettings {
  std::string ssh_config;  // instead of ~/.ssh/config; "" for that
  bool accept_new_host_keys = false;
  std::function<void(const std::string&)> warn;
  Questions* questions = nullptr;  // borrowed
  // Replaces ssh and the upload of this program; empty: uses them.
  std::function<Reached(const std::string& host)> reach = {};
};

// A connection to the agent on a host.
class RemoteAgent {
 public:
  // On the agent that was started there.
  RemoteAgent(const std::string& host, Reached reached, const Cancellation& cancellation);
  // Connects and starts the agent. Errors of the connection and of start_remote_agent.
  RemoteAgent(const std::string& host, const RemoteSettings& settings, const Cancellation& cancellation,
              const ProgressSink& progress);
  ~RemoteAgent();

  const SshSettings& reached() const { return reached_.connection->settings(); }
  void say(const ToTarget& message) { link_->send(encode(message)); }
  // The next message. Error if the connection is lost, or the agent exited: says how. If the person interrupts,
  // the agent is asked to stop, and still answers.
  ToController hear();

 private:
  void watch();
  [[noreturn]] void lost();

  std::string host_;
  const Cancellation& cancellation_;
  Reached reached_;
  std::unique_ptr<FrameLink> link_;
  Handle wake_;  // an eventfd: ends the watching thread
  std::thread watcher_;
};

// What is sent to one host only (see needs_of). As in StartRun.
struct TargetShare {
  std::map<std::string, std::string> environment;
  std::vector<std::string> withheld;
  std::map<std::string, std::string> secrets;
  std::vector<SentDigest> sources;
  PlanPart plan;
  PlanMade* made = nullptr;  // receives the plan if it is saved; borrowed
};

// Bounds the memory for a host's events that are held while the other hosts are planned, whatever a host sends.
struct HeldLimits {
  std::size_t events = 500'000;
  std::size_t bytes = 256u << 20;  // of memory
};

// Counts the held events of a host.
class HeldEvents {
 public:
  // Error if the limit is exceeded: the host takes no part.
  void add(const Happened& happened, const std::string& host);

 private:
  std::size_t events_ = 0, bytes_ = 0;
};

class RemoteHost : public Participant {
 public:
  // start: the description of the run, the same for all hosts. own: what is sent to this host only. All but own
  // and the settings are borrowed for its lifetime.
  RemoteHost(std::string name, const Playbook& playbook, const StartRun& start, TargetShare own,
             RemoteSettings settings, const Cancellation& cancellation, EventSink sink);
  ~RemoteHost() override;

  const HostValues& values() const override { return values_; }
  void join() override;
  void arrive() override;
  void begin(Pass pass, const std::vector<std::size_t>& plays) override;
  void play(std::size_t index, const std::vector<HostValues>& others) override;
  PassResult end() override;
  void prepare() override;
  PruneResult prune(const PruneOrder& order) override;

 private:
  Reached reach(bool is_awaited, const ProgressSink& progress);
  void join_as(bool is_awaited);
  void ask_end();
  template <class Answer>
  Answer wait();
  void answer(const PasswordWanted& wanted);
  void answer(const FilesWanted& wanted);
  void tell(Happened happened);
  bool may_have_password() const;
  bool is_own(const std::string& id) const;
  FileBeside wanted_file(const std::string& path) const;
  Position place(const SentPosition& sent) const;

  const Playbook& playbook_;
  const StartRun& start_;
  const TargetShare own_;
  RemoteSettings settings_;
  const Cancellation& cancellation_;
  EventSink sink_;
  HostValues values_;
  bool tried_ = false;                      // to join
  std::unique_ptr<Connection> connection_;  // of an attempt to arrive that ended after it
  std::unique_ptr<RemoteAgent> agent_;
  std::vector<std::size_t> plays_;  // of the current pass
  bool asked_end_ = false;          // of that pass
  std::string doing_;               // the current resource there
  bool acts_ = false;               // the pass makes changes
  std::set<std::size_t> asked_;     // all plays that were requested
  HeldEvents held_;                 // of the pass
  bool others_act_ = false;         // changes as a user other than the login are pending
  bool prepared_ = false;           // the plan is complete: pending changes may be made
  bool removes_ = false;            // prunes, not simulated
};

}  // namespace mlops
