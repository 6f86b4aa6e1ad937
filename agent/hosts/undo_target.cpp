#include "hosts/undo_target.hpp"

#include <utility>

namespace mlops {
namespace {

class UndoHere : public UndoTarget {
 public:
  UndoHere(const UndoSettings& settings, const Cancellation& cancellation, EventSink sink,
           std::function<void(const std::string&)> notice)
      : settings_(settings), cancellation_(cancellation), sink_(std::move(sink)), notice_(std::move(notice)) {}

  const std::string& name() const override { return name_; }
  RecordedRun read(const std::string& run) override {
    records_ = std::make_unique<RunRecords>(settings_.state, notice_);
    run_ = run.empty() ? records_->own().last_to_undo() : records_->own().find(run);
    undo_ = std::make_unique<UndoRun>(settings_, *records_, run_, cancellation_, sink_);
    undo_->read();
    return run_;
  }
  std::vector<std::string> stays() const override { return undo_->stays(); }
  std::vector<std::string> resumes() const override { return undo_->resumes(); }
  PassResult simulate() override { return undo_->simulate(); }
  PassResult for_real() override { return undo_->for_real(); }

 private:
  const std::string name_ = "local";
  UndoSettings settings_;
  const Cancellation& cancellation_;
  EventSink sink_;
  std::function<void(const std::string&)> notice_;
  std::unique_ptr<RunRecords> records_;
  RecordedRun run_;
  std::unique_ptr<UndoRun> undo_;
};

class UndoThere : public UndoTarget {
 public:
  UndoThere(const std::string& host, const RemoteSettings& reach, const UndoSettings& settings,
            const Cancellation& cancellation, EventSink sink)
      : name_(host),
        questions_(reach.questions),
        settings_(settings),
        sink_(std::move(sink)),
        agent_(host, reach, cancellation, [](const Progress&) {}) {}

  const std::string& name() const override { return name_; }
  RecordedRun read(const std::string& run) override {
    agent_.say(StartUndo{name_, run, settings_.state, settings_.force, settings_.no_sudo,
                         questions_ && Questions::possible(), settings_.wait_seconds});
    UndoRead read = wait<UndoRead>();
    if (!read.none.empty()) throw NoSuchRun(read.none);
    stays_ = std::move(read.stays);
    resumes_ = std::move(read.resumes);
    return std::move(read.run);
  }
  std::vector<std::string> stays() const override { return stays_; }
  std::vector<std::string> resumes() const override { return resumes_; }
  PassResult simulate() override { return pass(false); }
  PassResult for_real() override { return pass(true); }

 private:
  PassResult pass(bool real) {
    real_ = real;
    events_ = {};
    agent_.say(UndoPass{real});
    const UndoEnded ended = wait<UndoEnded>();
    return {.counts = ended.counts, .interrupted = ended.interrupted};
  }
  template <class Answer>
  Answer wait() {
    for (;;) {
      ToController message = agent_.hear();
      if (auto* wanted = std::get_if<Answer>(&message)) return std::move(*wanted);
      if (auto* failed = std::get_if<Failed>(&message)) throw Error(failed->what, failed->kind);
      if (auto* happened = std::get_if<Happened>(&message)) {
        if (!real_) events_.add(*happened, name_);
        tell(std::move(*happened));
      } else if (const auto* password = std::get_if<PasswordWanted>(&message)) {
        answer(*password);
      } else {
        throw Error(name_ + " answered what was not asked");
      }
    }
  }
  // A host reports for itself only, whatever name it sends.
  void tell(Happened happened) {
    std::visit([&](auto& e) { e.host = name_; }, happened.event);
    if (const auto* e = std::get_if<ResourceFinished>(&happened.event); e && !real_)
      others_act_ = others_act_ || (e->as != agent_.reached().user &&
                                    (e->outcome == Outcome::would_change || e->outcome == Outcome::unknown));
    std::visit([&](auto& e) { sink_(std::move(e)); }, happened.event);
  }
  // Only if the plan has work as another user.
  void answer(const PasswordWanted& wanted) {
    PasswordGiven given;
    if (questions_ && real_ && others_act_ && !settings_.no_sudo)
      given.password = questions_->sudo_password(agent_.reached().user, name_, wanted.again);
    agent_.say(given);
  }

  const std::string name_;
  Questions* const questions_;
  UndoSettings settings_;
  EventSink sink_;
  RemoteAgent agent_;
  std::vector<std::string> stays_, resumes_;
  HeldEvents events_;
  bool real_ = false, others_act_ = false;
};

}  // namespace

std::unique_ptr<UndoTarget> undo_here(const UndoSettings& settings, const Cancellation& cancellation,
                                      EventSink sink, std::function<void(const std::string&)> notice) {
  return std::make_unique<UndoHere>(settings, cancellation, std::move(sink), std::move(notice));
}

std::unique_ptr<UndoTarget> undo_there(const std::string& host, const RemoteSettings& reach,
                                       const UndoSettings& settings, const Cancellation& cancellation,
                                       EventSink sink) {
  return std::make_unique<UndoThere>(host, reach, settings, cancellation, std::move(sink));
}

}  // namespace mlops
