// Reads of and changes to images in a plan, on their overlay.
#include "domains/containers/overlay.hpp"
#include "domains/services/overlay.hpp"
#include "domains/simulation.hpp"

namespace mlops {
namespace {

OverlayContainers& images_of(Simulation& s) { return s.host.overlay<OverlayContainers>(); }

const OverlayServices& services_of(Simulation& s) { return s.host.overlay<OverlayServices>(); }

// Whether the plan changes Docker's daemon, and it does not run yet.
bool is_to_come(const std::string& socket, Simulation& s) {
  const bool changes = services_of(s).touched("docker.service") || services_of(s).touched("docker.socket");
  return socket == docker_socket && changes && !s.real.services().unit("docker.service").active();
}

// Only the daemon will know its id and the rest.
void assume(const std::string& socket, const std::string& name, Simulation& s) {
  images_of(s).set(socket, name,
                   ContainerImage{.id = "", .tags = {name}, .digests = {}, .platform = "", .assumed = true});
}

}  // namespace

FindImage::Result simulated(const FindImage& q, Simulation& s) {
  s.host.need_foresight();
  if (const auto* changed = images_of(s).changed(q.socket, q.name)) return *changed;
  const bool installing = !s.host.installing.empty();
  // A question would start a daemon that is to be started (systemd.socket(5)).
  if (is_to_come(q.socket, s) && !(installing && !s.real.files().exists(q.socket)))
    throw Unknown{s.host.all, ""};
  try {
    return q.ask(s.real.containers());
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::unavailable && installing) return {};  // the daemon comes without any image
    const bool may_answer = (e.kind() == ErrorKind::unavailable && services_of(s).any_touched()) ||
                            (e.kind() == ErrorKind::denied && !s.host.all.empty());
    if (may_answer) throw Unknown{s.host.all, ""};
    throw;
  }
}

void simulate(const PullImage& a, Simulation& s) { assume(a.socket, a.name, s); }
void simulate(const LoadImage& a, Simulation& s) { assume(a.socket, a.name, s); }
void simulate(const TagImage& a, Simulation& s) {
  images_of(s).set(
      a.socket, a.name,
      ContainerImage{.id = a.id, .tags = {a.name}, .digests = {}, .platform = "", .assumed = false});
}
void simulate(const RemoveImage& a, Simulation& s) { images_of(s).set(a.socket, a.name, std::nullopt); }

}  // namespace mlops
