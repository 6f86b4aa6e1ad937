#include "hosts/serve.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <optional>

#include "base/overloaded.hpp"
#include "base/person.hpp"
#include "domains/accounts/owner_names.hpp"
#include "host_run/plan_key.hpp"
#include "host_run/planning.hpp"
#include "hosts/controller_files.hpp"
#include "hosts/frame_link.hpp"
#include "hosts/local_host.hpp"
#include "hosts/protocol.hpp"
#include "hosts/run_history.hpp"
#include "hosts/secret_reader.hpp"
#include "hosts/undo_target.hpp"
#include "machine/local.hpp"

namespace mlops {
namespace {

// Thrown at the end of the connection, wherever it is noticed.
struct Gone {};

SentPosition sent(const Position& p) { return {p.source ? p.source->name : "", p.line, p.column}; }

std::vector<SentDiagnostic> sent(const Diagnostics& mistakes) {
  std::vector<SentDiagnostic> list;
  for (const Diagnostic& d : mistakes.list())
    list.push_back({sent(d.where), d.message, d.hint, sent(d.related), d.related_message});
  return list;
}

// A secret is not sent, even if it would be shown as ***.
void hide_secrets(ResourceFinished& e) {
  for (Change& change : e.changes) {
    if (!change.sensitive) continue;
    for (Value* v : {&change.before, &change.after})
      if (!v->is_null()) *v = "***";
    change.text_diff.clear();
  }
}

class Server {
 public:
  explicit Server(int out)
      : link_({0, out, to_target_limit, [this](const std::string& frame) { return is_stop(frame); },
               [this] { cancellation_.cancel(); }}) {}

  // Serves until the other end is gone. Running work has ended when this returns.
  void work() {
    try {
      for (;;) take(next());
    } catch (const Gone&) {
    }
    part_.reset();
    undo_.reset();
  }

 private:
  bool is_stop(const std::string& frame) {
    // A variant's index comes first on the wire; only small messages are decoded on the reading thread.
    if (frame.size() > 16) return false;
    try {
      if (!std::holds_alternative<Stop>(decode_to_target(frame))) return false;
    } catch (const Error&) {
      return false;
    }
    cancellation_.cancel();
    return true;
  }

  void say(const ToController& message) { link_.send(encode(message)); }

  ToTarget receive() {
    const auto frame = link_.next();
    if (!frame) throw Gone{};
    try {
      return decode_to_target(*frame);
    } catch (const Error&) {
      throw Gone{};  // an invalid message ends the connection, like the end of input
    }
  }
  ToTarget next() {
    if (waiting_.empty()) return receive();
    ToTarget message = std::move(waiting_.front());
    waiting_.pop_front();
    return message;
  }
  // The answer to a question; requests that come before it are queued.
  template <class Answer>
  Answer wait_for() {
    for (;;) {
      ToTarget message = receive();
      if (auto* answer = std::get_if<Answer>(&message)) return std::move(*answer);
      waiting_.push_back(std::move(message));
    }
  }

  void take(const ToTarget& message) {
    try {
      std::visit([this](const auto& m) { handle(m); }, message);
    } catch (const Error& e) {
      fail(e.kind(), e.what());
    } catch (const std::exception& e) {
      fail(ErrorKind::other, e.what());
    }
  }
  void fail(ErrorKind kind, const std::string& what) {
    say(Failed{kind, what});
    failed_ = true;
  }

  ThisHostSettings::Password password(bool may_ask) {
    if (!may_ask) return [](bool) { return std::optional<std::string>(); };
    return [this](bool again) {
      say(PasswordWanted{again});
      return wait_for<PasswordGiven>().password;
    };
  }

  void handle(const StartRun& start) {
    if (part_ || failed_) throw Error("a second run came through one connection");
    const Person person = current_person();
    const ActingUser self = acting_user(effective_person().name);
    files_.emplace(start, cache_folder(self) + "/sources", [this](const std::vector<std::string>& paths) {
      say(FilesWanted{paths});
      return wait_for<FilesGiven>().files;
    });
    Diagnostics mistakes;
    playbook_ = load_playbook(start.playbook,
                              {start.vars_files,
                               start.sets,
                               person.home,
                               &*files_,
                               start.environment,
                               {start.withheld.begin(), start.withheld.end()}},
                              all_modules(), mistakes);
    if (!mistakes.empty()) {
      refused_ = sent(mistakes);
      return;
    }
    if (!playbook_.secrets->empty()) playbook_.secrets->open(sent_secrets(start.secrets));
    part_ = std::make_unique<LocalHost>(start.host, playbook_, start.settings, password(start.may_ask),
                                        cancellation_, [this](const Event& e) { tell(e); });
    gives_values_ = start.settings.gives_values;
    watch(start);
  }
  void watch(const StartRun& start) {
    const PlanPart& part = start.plan;
    const std::string state = start.settings.journal.folder;
    if (part.keeps) keeper_.emplace(start.host, [state] { return plan_key(state, PlanKey::make); });
    if (part.holds) {
      plan_.place = part.place;
      plan_.resources = part.resources;
      for (PlannedResource& r : plan_.resources) r.host = start.host;
      check_place(start.host, plan_, this_place());
      guard_.emplace(plan_, part.all_or_nothing, start.host,
                     [state] { return plan_key(state, PlanKey::find); });
      guard_->set_changed_sources(part.changed_sources);
    }
    if (keeper_) part_->set_observer(&*keeper_);
    if (guard_) part_->set_observer(&*guard_);
  }
  void handle(const AskPlan&) {
    if (!ready()) return;
    if (!keeper_) throw Error("a plan was asked for that is not kept");
    say(PlanMade{this_place(), keeper_->resources()});
  }
  void handle(const BeginPass& begin) {
    if (!ready()) return;
    if (keeper_) keeper_->set_plays({begin.plays.begin(), begin.plays.end()});
    part_->begin(begin.real ? Pass::real : Pass::simulated, {});
    begun_ = true;
  }
  void handle(const RunPlay& play) {
    if (!ready()) return say(PlayEnded{});
    if (!begun_ || play.index >= playbook_.plays.size()) throw Error("a play was asked for that is not there");
    part_->play(play.index, play.others);
    PlayEnded ended;
    if (gives_values_) {
      ended.resources = part_->values().resources;
      ended.facts = part_->values().facts;
    }
    say(std::move(ended));
  }
  void handle(const EndPass&) {
    if (!refused_.empty()) return say(PassEnded{{}, false, refused_, {}});
    if (!ready()) return;
    if (!std::exchange(begun_, false)) throw Error("a pass was ended that had not begun");
    PassResult result = part_->end();
    PassEnded ended{result.counts, result.interrupted, sent(result.mistakes), {}};
    for (const auto& [identity, label] : result.pending) ended.pending.push_back({identity.user, label});
    say(std::move(ended));
  }
  void handle(const Prepare&) {
    if (!ready()) return;
    part_->prepare();
    say(Prepared{});
  }
  void handle(const Prune& prune) {
    if (!ready()) return;
    say(PruneEnded{part_->prune(prune.order)});
  }
  void handle(const AskFacts& ask) {
    const Facts facts(current_person());
    if (ask.path.empty()) return say(FactsTold{facts.all()});
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= ask.path.size();) {
      const std::size_t end = std::min(ask.path.find('.', from), ask.path.size());
      parts.push_back(ask.path.substr(from, end - from));
      from = end + 1;
    }
    say(FactsTold{facts.lookup(parts)});
  }
  void handle(const AskRecorded& ask) {
    RecordedTold told;
    std::string why;
    try {
      RunHistory history = run_history(ask.run, ask.state, [&](const std::string& text) { why = text; });
      told.host = std::move(history.host);
      told.runs = std::move(history.runs);
      if (history.whole) {
        told.whole.push_back(std::move(history.whole->run));
        for (const RecordedStep& step : history.whole->steps) told.steps.push_back(to_json(to_value(step)));
        told.missing = std::move(history.whole->missing);
      }
    } catch (const NoSuchRun& e) {
      told.none = why.empty() ? e.message() : why;
    }
    say(std::move(told));
  }
  void handle(const StartUndo& start) {
    if (part_ || undo_ || failed_) throw Error("a second run came through one connection");
    UndoSettings settings;
    settings.force = start.force;
    settings.no_sudo = start.no_sudo;
    settings.state = start.state;
    settings.wait_seconds = start.wait_seconds;
    settings.password = password(start.may_ask);
    undo_ = undo_here(
        settings, cancellation_, [this](const Event& e) { tell(e); },
        [this](const std::string& text) {
          say(Happened{NoticeGiven{"", text}});
        });
    UndoRead read;
    try {
      read.run = undo_->read(start.run);
      read.stays = undo_->stays();
      read.resumes = undo_->resumes();
    } catch (const NoSuchRun& e) {
      read.none = e.message();
    }
    undo_ready_ = read.none.empty();
    say(std::move(read));
  }
  void handle(const UndoPass& pass) {
    if (failed_) return;
    if (!undo_ready_) throw Error("a request came before the run was started");
    const PassResult result = pass.real ? undo_->for_real() : undo_->simulate();
    say(UndoEnded{result.counts, result.interrupted});
  }
  // Unexpected answers, and messages that the reading thread has handled.
  void handle(const PasswordGiven&) { throw Error("an answer came to what was not asked"); }
  void handle(const FilesGiven&) { throw Error("an answer came to what was not asked"); }
  void handle(const Stop&) { cancellation_.cancel(); }

  // After a failure, requests that were sent ahead are ignored.
  bool ready() const {
    if (failed_ || !refused_.empty()) return false;
    if (!part_) throw Error("a request came before the run was started");
    return true;
  }

  void tell(const Event& event) {
    if (keeper_) keeper_->take(event);
    std::visit(overloaded{[](const RunStarted&) {}, [](const ResourcesKnown&) {}, [](const RunFinished&) {},
                          [](const TerminalReleased&) {}, [](const AccountUsed&) {},
                          [this](const ResourceFinished& e) {
                            ResourceFinished shown = e;
                            hide_secrets(shown);
                            say(Happened{std::move(shown)});
                          },
                          [this](const auto& e) { say(Happened{e}); }},
               event);
  }

  Cancellation cancellation_;
  std::deque<ToTarget> waiting_;
  std::optional<ControllerFiles> files_;
  Playbook playbook_;
  std::optional<PlanKeeper> keeper_;
  PlanFile plan_;
  std::optional<PlanGuard> guard_;
  std::vector<SentDiagnostic> refused_;
  bool failed_ = false, begun_ = false, gives_values_ = false;
  FrameLink link_;
  std::unique_ptr<LocalHost> part_;
  std::unique_ptr<UndoTarget> undo_;
  bool undo_ready_ = false;
};

}  // namespace

int serve_run() {
  for (const int ignored : {SIGINT, SIGQUIT, SIGHUP, SIGPIPE}) std::signal(ignored, SIG_IGN);
  if (::chdir("/") != 0) throw system_error("cannot go to /", errno);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int out = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
  ::dup2(null, 1);
  Server server(out);
  server.work();
  ::_exit(0);  // the reading thread may wait for input that never comes
}

}  // namespace mlops
