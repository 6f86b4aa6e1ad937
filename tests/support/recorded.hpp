// Runs as a journal records them, made by hand in a state folder.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/person.hpp"
#include "machine/local.hpp"
#include "state/journal.hpp"
#include "state/run_id.hpp"
#include "state/state_folder.hpp"

namespace mlops::test {

// given: what --state names.
class Recorder {
 public:
  explicit Recorder(const std::string& given) : self_(acting_user(effective_person().name)) {
    machine_ = make_local_machine({self_, "", given + "/cache", self_.uid}, cancellation_, {});
    folder_ = state_folder(self_, given);
  }
  const std::string& self() const { return self_.name; }
  const std::string& folder() const { return folder_; }

  // Begins a run; its id.
  std::string begin(RunHeader header = {}) {
    if (header.id.empty()) header.id = last_ = new_run_id(last_);
    if (header.kind.empty()) header.kind = "apply";
    if (header.playbook.empty()) header.playbook = "site.json";
    if (header.playbook_key.empty()) header.playbook_key = "/site.json";
    header.starter = self_.name;
    if (header.started == 0) header.started = 1'790'000'000'000'000;
    journal_ =
        std::make_unique<StateJournal>(JournalSettings{.identity = self_.name, .folder = folder_}, *machine_);
    journal_->open(header);
    sequence_ = 0;
    return header.id;
  }
  void perform(const std::string& label, std::vector<Action> actions, std::vector<Change> changes = {}) {
    kept_.push_back(std::move(actions));
    const Step step{{++sequence_, label, label.substr(0, label.find('[')), {}, std::move(changes)},
                    kept_.back()};
    for (const auto& error : perform_steps({&step, 1}, *machine_, journal_.get()))
      if (error) throw *error;
  }
  // Written down, and never done.
  void begin_only(const std::string& label, std::vector<Action> actions) {
    kept_.push_back(std::move(actions));
    const Step step{{++sequence_, label, label.substr(0, label.find('[')), {}, {}}, kept_.back()};
    journal_->begin({&step, 1});
  }
  // What another identity is about to do, as its starter knows it.
  void announce(const std::string& label, const std::string& identity) {
    const Step step{{++sequence_, label, label.substr(0, label.find('[')), {}, {}}, {}};
    journal_->announce({&step, 1}, identity);
    const std::optional<Error> well;
    journal_->end({&step, 1}, {&well, 1});
  }
  void end(const std::string& outcome = "done", const std::string& counts = R"({"changed":1})") {
    journal_->conclude(outcome, counts);
    journal_.reset();
  }
  // As a process that was killed leaves it.
  void interrupt() { journal_.reset(); }

 private:
  ActingUser self_;
  std::string folder_, last_;
  Cancellation cancellation_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<StateJournal> journal_;
  std::deque<std::vector<Action>> kept_;
  std::uint64_t sequence_ = 0;
};

}  // namespace mlops::test
