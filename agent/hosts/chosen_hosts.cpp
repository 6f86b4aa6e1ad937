#include "hosts/chosen_hosts.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <regex>

#include "base/error.hpp"
#include "base/person.hpp"
#include "base/trust.hpp"
#include "hosts/hosts_file.hpp"
#include "hosts/secret_reader.hpp"
#include "hosts/target_needs.hpp"
#include "playbook/interpolation.hpp"
#include "ssh/settings.hpp"
#include "state/state_folder.hpp"

namespace mlops {
namespace {

void add_once(std::vector<std::string>& list, const std::string& name) {
  if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
}

void read_hosts_file(const ReachSettings& reach, Source& text, std::vector<std::string>& names,
                     Diagnostics& mistakes) {
  const std::string& path = reach.hosts_file;
  TrackedFiles files;
  if (::geteuid() == 0 && !reach.trust_writable.value_or(false))
    files.guard(current_person().uid, TrackedFiles::Guard::refuse);
  FileBeside file = files.whole(path);
  text = {path, std::move(file.content)};
  const Position where{&text, 0, 0};
  if (!file.refused.empty())
    mistakes.add({}, "--hosts " + file.refused, reach.trust_writable ? refused_hint : "take that right away");
  else if (file.error != 0)
    mistakes.add(where, fmt::format("cannot be read: {}", std::strerror(file.error)),
                 file.error == ENOENT ? files.similar(path) : "");
  else if (!file.regular)
    mistakes.add({}, "--hosts " + not_regular(path, file));
  else
    for (const std::string& name : parse_hosts_file(text, mistakes)) add_once(names, name);
}

const AwaitedHost* awaited_as(const std::string& name, const Play& play) {
  const auto found = std::find_if(play.awaited.begin(), play.awaited.end(),
                                  [&](const AwaitedHost& host) { return host.name == name; });
  return found == play.awaited.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> named_hosts(const ReachSettings& reach, Source& text, Diagnostics& mistakes) {
  std::vector<std::string> names;
  for (const std::string& name : reach.hosts) {
    if (is_host_name(name))
      add_once(names, name);
    else
      mistakes.add({}, fmt::format("--host {}: it is no name of a host", name),
                   "a name that ssh knows, or user@host:port; --host again for more");
  }
  if (!reach.hosts_file.empty()) read_hosts_file(reach, text, names, mistakes);
  return names;
}

std::vector<CastHost> cast_plays(const Playbook& playbook, const std::vector<std::string>& named) {
  std::vector<CastHost> cast;
  const std::vector<std::string> local = {"local"};
  for (std::size_t i = 0; i < playbook.plays.size(); ++i) {
    const Play& play = playbook.plays[i];
    for (const std::string& name : !play.on.empty() ? play.on : !named.empty() ? named : local) {
      auto host = std::find_if(cast.begin(), cast.end(), [&](const CastHost& c) { return c.name == name; });
      if (host == cast.end()) host = cast.insert(cast.end(), {name, {}, awaited_as(name, play)});
      if (host->plays.empty() || host->plays.back() != i) host->plays.push_back(i);
    }
  }
  return cast;
}

std::map<std::string, std::string> mentioned_environment(const Playbook& playbook,
                                                         const std::vector<std::string>& sets) {
  static const std::regex pattern(R"(\benv\.([A-Za-z_][A-Za-z0-9_]*))");
  std::map<std::string, std::string> found;
  const auto look = [&](const std::string& text) {
    for (std::sregex_iterator i(text.begin(), text.end(), pattern), end; i != end; ++i)
      if (const char* value = std::getenv((*i)[1].str().c_str())) found[(*i)[1]] = value;
  };
  for (const auto& source : playbook.sources) look(source->text);
  for (const std::string& set : sets) look(set);
  return found;
}

RunHosts::RunHosts(const ReachSettings& reach, Diagnostics& mistakes, std::function<void()> before_question,
                   std::function<void(const std::string&)> warn)
    : reach_(reach),
      named_(named_hosts(reach, *hosts_text_, mistakes)),
      questions_(std::move(before_question)),
      warn_(std::move(warn)) {}

const FileSource& RunHosts::files() const { return noted_; }

void RunHosts::guard_files(uid_t caller, const std::string& state, Diagnostics& mistakes) {
  const std::string folder = state_folder({"root", "/root", "/bin/sh", 0, 0}, state);
  if (const auto why = distrust(folder, caller))
    distrusted_state_ = fmt::format("the state folder {}: {}", folder, *why);
  if (::geteuid() == 0 && !distrusted_state_.empty())
    mistakes.add({}, distrusted_state_,
                 "take that right away, name another with --state, or say --trust-writable");
  try {
    check_ssh_config(reach_.ssh_config, caller);
  } catch (const Error& e) {
    mistakes.add({}, e.what(), refused_hint);
  }
  noted_.guard(caller, ::geteuid() == 0 ? TrackedFiles::Guard::refuse : TrackedFiles::Guard::note);
}

void RunHosts::judge(const std::string& host, const PassResult& result, Diagnostics& mistakes) const {
  const std::string self = effective_person().name;
  const bool others =
      std::any_of(result.pending.begin(), result.pending.end(), [&](const PassResult::Pending& p) {
        return p.identity.user == "root" || (host == "local" && p.identity.user != self);
      });
  if (!others) return;
  for (const std::string& why : noted_.distrusted()) mistakes.add({}, why, refused_hint);
  if (host == "local" && !distrusted_state_.empty())
    mistakes.add({}, distrusted_state_,
                 "take that right away, name another with --state, or say --trust-writable");
}

void RunHosts::open_secrets(const Playbook& playbook, bool dry, const Cancellation& cancellation) {
  questions_.heed(cancellation);
  if (!playbook.secrets->empty())
    playbook.secrets->open(controller_secrets(questions_, noted_, dry, cancellation, warn_));
}

StartRun RunHosts::start_of(const Playbook& playbook, const PartSettings& settings, const LoadOptions& load) {
  StartRun start;
  start.settings = settings;
  start.may_ask = Questions::possible();
  start.playbook = playbook.path;
  for (const auto& source : playbook.sources)
    if (!source->name.starts_with("--")) start.texts.push_back({source->name, source->text});
  start.vars_files = load.vars_files;
  start.sets = load.sets;
  return start;
}

TargetShare RunHosts::share_of(const Playbook& playbook, const std::vector<std::size_t>& plays,
                               const LoadOptions& load) {
  const TargetNeeds needs = needs_of(playbook, plays, load.home);
  TargetShare share;
  for (auto& [name, value] :
       load.environment ? *load.environment : mentioned_environment(playbook, load.sets)) {
    if (needs.environment.contains(name))
      share.environment[name] = value;
    else
      share.withheld.push_back(name);
  }
  for (const SentDigest& digest : noted_.digests())
    if (needs.files.contains(digest.path)) share.sources.push_back(digest);
  for (const std::string& name : needs.secrets) {
    try {
      share.secrets[name] = playbook.secrets->value(name)->as_string();
    } catch (const Unknown&) {
    } catch (const Error&) {  // an interruption: no host will be reached
    } catch (const InterpolationError& e) {
      unread_.add(e.diagnostic);
    }
  }
  return share;
}

void RunHosts::hold_to(const PlanFile& plan, std::vector<std::string> changed_sources, bool all_or_nothing) {
  plan_ = &plan;
  changed_sources_ = std::move(changed_sources);
  all_or_nothing_ = all_or_nothing;
}

PlanPart RunHosts::plan_part(const std::string& host) const {
  PlanPart part;
  part.keeps = keeps_plan_;
  if (!plan_) return part;
  part.holds = true;
  if (const auto place = plan_->places.find(host); place != plan_->places.end()) part.place = place->second;
  for (const PlannedResource& r : plan_->resources)
    if (r.host == host) part.resources.push_back(r);
  part.changed_sources = changed_sources_;
  part.all_or_nothing = all_or_nothing_;
  return part;
}

void RunHosts::take_part(Coordinator& coordinator, const Playbook& playbook, PartSettings settings,
                         const LoadOptions& load, const Cancellation& cancellation) {
  const std::vector<CastHost> cast = cast_plays(playbook, named_);
  settings.gives_values = cast.size() > 1 || !playbook.show.empty();
  playbook_ = &playbook;
  load_ = &load;
  cancellation_ = &cancellation;
  if (std::any_of(cast.begin(), cast.end(), [](const CastHost& host) { return host.name != "local"; }))
    start_ = start_of(playbook, settings, load);
  for (const CastHost& host : cast) {
    names_.push_back(host.name);
    if (host.awaited) {
      share_of(playbook, host.plays, load);  // secrets that cannot be read are found before anything is changed
      coordinator.add_awaited(*host.awaited, host.plays, start_->settings);
      continue;
    }
    EventSink sink = coordinator.sink();
    if (host.name == "local") {
      auto local = std::make_unique<LocalHost>(host.name, playbook, settings, ThisHostSettings::Password(),
                                               cancellation, std::move(sink));
      local->set_observer(watcher_);
      local->set_agree_to_loss(
          [this](const std::string& label, const std::string& loss) { agree_to_loss(label, loss); });
      coordinator.add(std::move(local), host.plays);
      continue;
    }
    coordinator.add(target(host.name, host.plays, std::move(sink)), host.plays);
  }
}

// A yes counts for the whole run.
void RunHosts::agree_to_loss(const std::string& label, const std::string& loss) {
  if (may_lose_ || agreed_.contains(label)) return;
  if (::isatty(0) != 1 || !Questions::possible())
    throw Error(loss + "; without a terminal to ask on, --recreate is needed");
  const auto answer = questions_.ask(fmt::format("{}: {}. Make it? [y/N] ", label, loss), true);
  if (answer != "y" && answer != "Y" && answer != "yes")
    throw Error(loss + "; that was not agreed to (--recreate agrees without a question)");
  agreed_.insert(label);
}

std::unique_ptr<Participant> RunHosts::target(const std::string& host, const std::vector<std::size_t>& plays,
                                              EventSink sink) {
  TargetShare share = share_of(*playbook_, plays, *load_);
  share.plan = plan_part(host);
  if (keeps_plan_) share.made = &planned_[host];
  return std::make_unique<RemoteHost>(
      host, *playbook_, *start_, std::move(share),
      RemoteSettings{reach_.ssh_config, reach_.accept_new_host_keys, warn_, &questions_}, *cancellation_,
      std::move(sink));
}

std::unique_ptr<Participant> RunHosts::awaited_participant(const std::string& host,
                                                           const std::vector<std::size_t>& plays,
                                                           EventSink sink) {
  if (plan_ && !plan_->places.contains(host)) return nullptr;
  return target(host, plays, std::move(sink));
}

}  // namespace mlops
