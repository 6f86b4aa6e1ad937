#include "hosts/local_participant.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "machine/overlay.hpp"
#include "machine/person.hpp"

namespace mlops {

LocalParticipant::LocalParticipant(std::string name, const Playbook& playbook, PartSettings settings,
                                   ThisHostSettings::Password password, const Cancellation& cancellation,
                                   EventSink sink)
    : playbook_(playbook),
      settings_(std::move(settings)),
      cancellation_(cancellation),
      sink_(std::move(sink)),
      person_(current_person()),
      self_{effective_person().name},
      host_(host_settings(std::move(password)), cancellation,
            [this](const Progress& p) {
              if (run_) run_->progress(p);
            }),
      facts_(person_) {
  values_.name = std::move(name);
}

LocalParticipant::~LocalParticipant() = default;

ThisHostSettings LocalParticipant::host_settings(ThisHostSettings::Password password) const {
  using Sudo = ThisHostSettings::Sudo;
  const Sudo sudo = settings_.no_sudo ? Sudo::never : settings_.dry ? Sudo::silent : Sudo::ask;
  return {person_, settings_.mirror, sudo, std::move(password)};
}

void LocalParticipant::begin(Pass pass, const std::vector<std::size_t>&) {
  run_.reset();
  identities_.reset();
  overlay_ = pass == Pass::what_if ? make_overlay_host(host_, self_) : nullptr;
  Host& host = overlay_ ? *overlay_ : host_;
  identities_.emplace(host, person_, self_);
  RunOptions options{Outcome::changed, settings_.only, settings_.tags, settings_.fail_fast};
  options.host = values_.name;
  options.watcher = watcher_;
  if (watcher_) watcher_->pass_begins(pass == Pass::real);
  if (pass == Pass::what_if) {
    options.acted = Outcome::would_change;
    options.settle = std::chrono::milliseconds(0);
  }
  run_ = std::make_unique<Run>(playbook_, host, facts_, *identities_, cancellation_, sink_, std::move(options));
}

void LocalParticipant::play(std::size_t index, const std::vector<HostValues>& others) {
  run_->set_others(others);
  run_->play(index);
  if (!settings_.gives_values) return;
  values_.resources = run_->given();
  if (values_.facts.is_null()) values_.facts = facts_.all();
}

PassResult LocalParticipant::end() {
  PassResult result = run_->finish();
  run_.reset();
  identities_.reset();
  overlay_.reset();
  pending_ = result.pending;
  return result;
}

void LocalParticipant::prepare() {
  if (watcher_) watcher_->about_to_act();
  std::vector<Identity> identities;
  std::string need_others;
  for (const auto& [identity, label] : pending_) {
    if (identity != self_) need_others += fmt::format("\n  {} (as {})", label, identity.user);
    const bool known = std::find(identities.begin(), identities.end(), identity) != identities.end();
    if (!known && host_.as(self_).accounts().user(identity.user)) identities.push_back(identity);
  }
  if (settings_.no_sudo && !need_others.empty())
    throw Error("These need another identity, and --no-sudo was given; nothing was touched:" + need_others,
                ErrorKind::privilege);
  try {
    host_.prepare(std::move(identities), playbook_.path);
  } catch (const Error& e) {
    throw Error(std::string(e.what()) + "; nothing was touched", e.kind());
  }
}

}  // namespace mlops
