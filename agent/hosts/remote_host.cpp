#include "hosts/remote_host.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>

#include "base/overloaded.hpp"
#include "hosts/first_contact.hpp"
#include "resource/file_source.hpp"

namespace mlops {
namespace {

constexpr HeldLimits held_limits;

// An estimate of the memory used, in bytes.
std::size_t weight(const std::string& text) { return sizeof text + text.size(); }
std::size_t weight(const Value& value) {
  std::size_t all = sizeof value;
  if (value.is_string()) all += value.as_string().size();
  if (value.is_array())
    for (const Value& element : value.as_array()) all += weight(element);
  if (value.is_object())
    for (const Value::Member& member : value.as_object())
      all += sizeof member + member.key.size() + weight(member.value);
  return all;
}
std::size_t weight(const PlayStarted& e) { return sizeof e + e.name.size() + e.skipped.value_or("").size(); }
std::size_t weight(const NoticeGiven& e) { return sizeof e + e.text.size(); }
std::size_t weight(const ResourceFinished& e) {
  std::size_t all = sizeof e + e.label.size() + e.id.size() + e.type.size() + e.as.size() + e.reason.size() +
                    e.output.size() + e.note.size();
  for (const std::string& one : e.maybe) all += weight(one);
  for (const Change& c : e.changes)
    all += sizeof c + weight(c.property) + weight(c.before) + weight(c.after) + c.text_diff.size();
  return all;
}
// These are shown immediately.
std::size_t weight(const ResourceStarted&) { return 0; }
std::size_t weight(const ProgressMade&) { return 0; }

Reached reach(const std::string& host, const RemoteSettings& settings, const Cancellation& cancellation,
              const ProgressSink& progress) {
  Reached reached{connect_to(host, settings, cancellation), {}};
  reached.program = start_remote_agent(*reached.connection, cancellation, progress);
  return reached;
}

}  // namespace

// ---- the agent on the target --------------------------------------------------------------------------------

RemoteAgent::RemoteAgent(const std::string& host, const RemoteSettings& settings,
                         const Cancellation& cancellation, const ProgressSink& progress)
    : RemoteAgent(host, settings.reach ? settings.reach(host) : reach(host, settings, cancellation, progress),
                  cancellation) {}

RemoteAgent::RemoteAgent(const std::string& host, Reached reached, const Cancellation& cancellation)
    : host_(host), cancellation_(cancellation), reached_(std::move(reached)), wake_(::eventfd(0, EFD_CLOEXEC)) {
  std::signal(SIGPIPE, SIG_IGN);
  const int fd = reached_.program.channel->fd();
  // A silent connection ends the reading thread's wait too.
  link_ = std::make_unique<FrameLink>(
      FrameLink::Settings{fd, fd, to_controller_limit, {}, [fd] { ::shutdown(fd, SHUT_RDWR); }});
  watcher_ = std::thread([this] { watch(); });
}

RemoteAgent::~RemoteAgent() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  if (watcher_.joinable()) watcher_.join();
  ::shutdown(reached_.program.channel->fd(), SHUT_RDWR);
}

void RemoteAgent::watch() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pollfd fds[2] = {{cancellation_.fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
  while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
  }
  if (fds[0].revents) say(Stop{});
}

ToController RemoteAgent::hear() {
  const auto frame = link_->next();
  if (!frame) lost();
  try {
    return decode_to_controller(*frame);
  } catch (const Error& e) {
    throw Error(fmt::format("{} sent what is no message of the protocol: {}", host_, e.what()));
  }
}

void RemoteAgent::lost() {
  const std::string why = link_->ended();
  if (const auto broken = reached_.connection->lost())
    throw Error(fmt::format("the connection to {} is lost: {}", host_, *broken));
  if (why != "the connection was closed")
    throw Error(fmt::format("the connection to {} is lost: {}", host_, why));
  const auto status = reached_.program.channel->wait();
  const std::string words = reached_.program.channel->complaints();
  if (!status) throw Error(fmt::format("the connection to {} is lost", host_));
  Error error(fmt::format("the agent on {} ended{}", host_,
                          *status > 128 ? fmt::format(" by signal {}", *status - 128)
                                        : fmt::format(" with exit status {}", *status)));
  throw error.with_output(words);
}

// ---- the target's part in a run ------------------------------------------------------------------------

RemoteHost::RemoteHost(std::string name, const Playbook& playbook, const StartRun& start, TargetShare own,
                       RemoteSettings settings, const Cancellation& cancellation, EventSink sink)
    : playbook_(playbook),
      start_(start),
      own_(std::move(own)),
      settings_(std::move(settings)),
      cancellation_(cancellation),
      sink_(std::move(sink)) {
  values_.name = std::move(name);
}

RemoteHost::~RemoteHost() = default;

void RemoteHost::join() { join_as(false); }
void RemoteHost::arrive() { join_as(true); }

// The connection is kept where the host is not ready yet: it is proven, and the next attempt uses it again.
Reached RemoteHost::reach(bool is_awaited, const ProgressSink& progress) {
  if (settings_.reach) return settings_.reach(values_.name);
  if (!connection_ || connection_->lost()) connection_ = connect_to(values_.name, settings_, cancellation_);
  const FirstContact contact{!start_.settings.dry, start_.settings.no_sudo, is_awaited, "/etc/ssh"};
  make_contact(
      *connection_, contact,
      [this](const std::string& said) {
        sink_(NoticeGiven{values_.name, said});
      },
      cancellation_);
  Reached reached{std::move(connection_), {}};
  reached.program = start_remote_agent(*reached.connection, cancellation_, progress);
  return reached;
}

void RemoteHost::join_as(bool is_awaited) {
  if (!std::exchange(tried_, true)) sink_(ResourceStarted{"connecting", values_.name, ""});
  Reached there = reach(is_awaited, [this](const Progress& p) {
    sink_(ProgressMade{"connecting", values_.name, p.doing, p.done, p.total});
  });
  agent_ = std::make_unique<RemoteAgent>(values_.name, std::move(there), cancellation_);
  const SshSettings& reached = agent_->reached();
  values_.address = reached.host;
  values_.user = reached.user;
  values_.port = reached.port;
  StartRun start = start_;
  start.host = values_.name;
  start.environment = own_.environment;
  start.withheld = own_.withheld;
  start.secrets = own_.secrets;
  start.sources = own_.sources;
  start.plan = own_.plan;
  agent_->say(std::move(start));
}

void RemoteHost::begin(Pass pass, const std::vector<std::size_t>& plays) {
  plays_ = plays;
  asked_end_ = false;
  acts_ = pass == Pass::real;
  held_ = {};
  agent_->say(BeginPass{acts_, {plays.begin(), plays.end()}});
}

// EndPass is sent right behind the last play: one round trip for both.
void RemoteHost::play(std::size_t index, const std::vector<HostValues>& others) {
  asked_.insert(index);
  agent_->say(RunPlay{index, start_.settings.gives_values ? others : std::vector<HostValues>{}});
  if (!plays_.empty() && index == plays_.back()) ask_end();
  PlayEnded ended = wait<PlayEnded>();
  if (!start_.settings.gives_values) return;
  // An id of another host belongs to that host only.
  std::erase_if(ended.resources, [&](const auto& given) { return !is_own(given.first); });
  values_.resources = std::move(ended.resources);
  // A failure there is reported with its host and connection.
  for (auto& [id, instances] : values_.resources)
    for (auto& [key, given] : instances)
      if (!given.cause.empty()) given.cause += " on " + values_.name;
  values_.facts = std::move(ended.facts);
}

bool RemoteHost::is_own(const std::string& id) const {
  return std::any_of(asked_.begin(), asked_.end(), [&](std::size_t play) {
    const std::vector<Resource>& resources = playbook_.plays[play].resources;
    return std::any_of(resources.begin(), resources.end(), [&](const Resource& r) { return r.id == id; });
  });
}

void RemoteHost::ask_end() {
  if (!std::exchange(asked_end_, true)) agent_->say(EndPass{});
}

PassResult RemoteHost::end() {
  ask_end();
  const PassEnded ended = wait<PassEnded>();
  PassResult result;
  result.counts = ended.counts;
  result.interrupted = ended.interrupted;
  for (const SentDiagnostic& d : ended.mistakes)
    result.mistakes.add({place(d.where), d.message, d.hint, place(d.related), d.related_message});
  if (own_.plan.keeps && own_.made && !acts_) {
    agent_->say(AskPlan{});
    *own_.made = wait<PlanMade>();
    for (PlannedResource& r : own_.made->resources) r.host = values_.name;
  }
  for (const SentPending& p : ended.pending) result.pending.push_back({Identity{p.user}, p.label});
  others_act_ = std::any_of(ended.pending.begin(), ended.pending.end(),
                            [&](const SentPending& p) { return p.user != values_.user; });
  return result;
}

void RemoteHost::prepare() {
  prepared_ = true;
  agent_->say(Prepare{});
  wait<Prepared>();
}

PruneResult RemoteHost::prune(const PruneOrder& order) {
  removes_ = acts_ = order.remove && !order.dry;
  held_ = {};
  agent_->say(Prune{order});
  return wait<PruneEnded>().result;
}

template <class Answer>
Answer RemoteHost::wait() {
  try {
    for (;;) {
      ToController message = agent_->hear();
      if (auto* wanted = std::get_if<Answer>(&message)) return std::move(*wanted);
      if (auto* failed = std::get_if<Failed>(&message)) throw Error(failed->what, failed->kind);
      if (auto* happened = std::get_if<Happened>(&message))
        tell(std::move(*happened));
      else if (const auto* password = std::get_if<PasswordWanted>(&message))
        answer(*password);
      else if (const auto* files = std::get_if<FilesWanted>(&message))
        answer(*files);
      else
        throw Error(values_.name + " answered what was not asked");
    }
  } catch (Error& e) {
    if (!acts_ || doing_.empty()) throw;
    throw Error(
        fmt::format("{}; interrupted during {}: the host finishes that action and stops. Type the same command "
                    "again to resume",
                    e.what(), doing_),
        e.kind());
  }
}

void HeldEvents::add(const Happened& happened, const std::string& host) {
  const std::size_t bytes = std::visit([](const auto& e) { return weight(e); }, happened.event);
  bytes_ += bytes;
  events_ += bytes > 0 ? 1 : 0;
  if (bytes_ > held_limits.bytes || events_ > held_limits.events)
    throw Error(fmt::format(
        "{} sends more events of its plan than are kept for one host ({} events, {} MiB); it is left out", host,
        held_limits.events, held_limits.bytes >> 20));
}

// A host reports for itself only, whatever name it sends.
void RemoteHost::tell(Happened happened) {
  if (!acts_) held_.add(happened, values_.name);
  std::visit(overloaded{[&](PlayStarted& e) { e.host = values_.name; },
                        [&](ResourceStarted& e) {
                          e.host = values_.name;
                          doing_ = e.label;
                        },
                        [&](ProgressMade& e) {
                          e.host = values_.name;
                          e.stage.clear();  // of its arrival, which is seen from here
                        },
                        [&](NoticeGiven& e) { e.host = values_.name; },
                        [&](ResourceFinished& e) {
                          e.host = values_.name;
                          doing_.clear();
                        }},
             happened.event);
  std::visit([&](auto& e) { sink_(std::move(e)); }, happened.event);
}

// Whatever the host says: no password in a plan, none with --no-sudo, and otherwise only if the plan has work
// as another user, or something is to be removed.
bool RemoteHost::may_have_password() const {
  const PartSettings& settings = start_.settings;
  if (!settings_.questions || !start_.may_ask || settings.no_sudo) return false;
  return removes_ || (!settings.dry && prepared_ && others_act_);
}

void RemoteHost::answer(const PasswordWanted& wanted) {
  PasswordGiven given;
  if (may_have_password())
    given.password = settings_.questions->sudo_password(values_.user, values_.name, wanted.again);
  agent_->say(given);
}

void RemoteHost::answer(const FilesWanted& wanted) {
  FilesGiven given;
  for (const std::string& path : wanted.paths) given.files.push_back(wanted_file(path));
  agent_->say(std::move(given));
}

// A host gets the files that its own plays name, by the exact path, and nothing else of this machine.
FileBeside RemoteHost::wanted_file(const std::string& path) const {
  const bool named = std::any_of(own_.sources.begin(), own_.sources.end(),
                                 [&](const SentDigest& d) { return d.path == path; });
  if (named) return playbook_.files->read(path, true, FileSource::largest_source);
  FileBeside refused;
  refused.error = EACCES;
  refused.refused = path + " is not sent to another machine: its name is only known there";
  return refused;
}

Position RemoteHost::place(const SentPosition& sent) const {
  for (const auto& source : playbook_.sources)
    if (source->name == sent.source) return {source.get(), sent.line, sent.column};
  return {nullptr, sent.line, sent.column};
}

}  // namespace mlops
