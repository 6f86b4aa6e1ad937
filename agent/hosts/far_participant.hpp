// The part of a host at the other end of an ssh connection: the near end of hosts/protocol.hpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "hosts/frame_link.hpp"
#include "hosts/near_files.hpp"
#include "hosts/participant.hpp"
#include "hosts/protocol.hpp"
#include "hosts/questions.hpp"
#include "remote/connection.hpp"
#include "remote/far_program.hpp"

namespace mlops {

struct FarSettings {
  std::string ssh_config;  // another than ~/.ssh/config; "" for that
  bool accept_new_host_keys = false;
  std::function<void(const std::string&)> warn;
  Questions* questions = nullptr;  // borrowed
};

// The agent on a host, spoken to.
class FarAgent {
 public:
  // Connects and starts it. Errors of the connection and of start_far_program.
  FarAgent(const std::string& host, const FarSettings& settings, const Cancellation& cancellation,
           const ProgressSink& progress);
  ~FarAgent();

  const SshSettings& reached() const { return connection_->settings(); }
  void say(const ToFar& message) { link_->send(encode(message)); }
  // The next message. Error when the connection is lost, or the agent there ended: says how. Where the person
  // interrupts, it is told to stop, and answers all the same.
  ToNear hear();

 private:
  void watch();
  [[noreturn]] void lost();

  std::string host_;
  const Cancellation& cancellation_;
  std::unique_ptr<Connection> connection_;
  FarProgram program_;
  std::unique_ptr<FrameLink> link_;
  Handle wake_;  // an eventfd: ends the watching thread
  std::thread watcher_;
};

class FarParticipant : public Participant {
 public:
  // start: what the run is, without the host's name. files: what the playbook needs. All borrowed for its life.
  FarParticipant(std::string name, const Playbook& playbook, const StartRun& start, FarSettings settings,
                 const Cancellation& cancellation, EventSink sink);
  ~FarParticipant() override;

  const HostValues& values() const override { return values_; }
  void join() override;
  void begin(Pass pass, const std::vector<std::size_t>& plays) override;
  void play(std::size_t index, const std::vector<HostValues>& others) override;
  PassResult end() override;
  void prepare() override;

 private:
  void ask_end();
  template <class Answer>
  Answer wait();
  void answer(const PasswordWanted& wanted);
  void answer(const FilesWanted& wanted);
  void tell(Happened happened);
  FileBeside wanted_file(const std::string& path) const;
  Position place(const SentPosition& sent) const;

  const Playbook& playbook_;
  const StartRun& start_;
  FarSettings settings_;
  const Cancellation& cancellation_;
  EventSink sink_;
  HostValues values_;
  std::unique_ptr<FarAgent> agent_;
  std::vector<std::size_t> plays_;  // of the pass that is under way
  bool asked_end_ = false;          // of that pass
  std::string doing_;               // the resource that is under way there
  bool acts_ = false;               // the pass changes things
};

}  // namespace mlops
