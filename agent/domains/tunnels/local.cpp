#include "domains/tunnels/local.hpp"

#include <fmt/format.h>

#include <chrono>

#include "base/error.hpp"
#include "base/own_executable.hpp"
#include "domains/network/listeners.hpp"
#include "domains/tunnels/keeper_process.hpp"
#include "domains/tunnels/login_unit.hpp"

namespace mlops {
namespace {

using namespace std::chrono_literals;
using State = TunnelView::State;

constexpr auto status_patience = 2s;
constexpr auto probe_patience = 10s;
constexpr auto retry_patience = 60s;  // as long as a new process may take

// Settings that do not concern its process are ignored.
bool same_but_for_login(Tunnel a, const Tunnel& b) {
  a.at_login = b.at_login;
  return a == b;
}

std::string numeric(const std::string& host) { return host == "localhost" ? "127.0.0.1" : host; }

}  // namespace

LocalTunnels::LocalTunnels(ActingUser who, const Cancellation& cancellation)
    : who_(std::move(who)), folder_(TunnelFolder::of(who_)), cancellation_(cancellation) {}

std::optional<LocalTunnels::Report> LocalTunnels::report(const std::string& name) const {
  const auto settings = folder_.settings(name);
  if (!settings) return std::nullopt;
  Report r{{*settings, State::stopped, "", false}, std::nullopt};
  r.view.settings.at_login = settings->at_login && LoginUnit(who_, folder_, name).is_right();
  if (!folder_.keeper(name)) return r;
  r.status = ask_tunnel(folder_, name, TunnelQuestion::probe, probe_patience, cancellation_);
  if (!r.status) {
    r.view.state = State::silent;
    return r;
  }
  r.view.state = r.status->state;
  r.view.reason = r.status->reason;
  r.view.outdated = r.status->build != own_build() || !same_but_for_login(r.status->settings, *settings);
  return r;
}

std::optional<TunnelView> LocalTunnels::tunnel(const std::string& name) const {
  const auto found = report(name);
  return found ? std::optional(found->view) : std::nullopt;
}

std::optional<std::string> LocalTunnels::listener(const Endpoint& place) const {
  const auto found =
      place.is_socket() ? listener_on_socket(place.path) : listener_on(numeric(place.host), place.port);
  return found ? std::optional(describe(*found)) : std::nullopt;
}

// Whether a process of this build keeps it with these settings.
bool LocalTunnels::stands_as(const Tunnel& wanted) const {
  if (!folder_.keeper(wanted.name)) return false;
  const auto status = ask_tunnel(folder_, wanted.name, TunnelQuestion::status, status_patience, cancellation_);
  return status && status->build == own_build() && same_but_for_login(status->settings, wanted);
}

// A tunnel that existed before keeps trying, whatever it reports; a new one that cannot be used is removed.
void LocalTunnels::start(const Tunnel& wanted, bool was_there) {
  using Kind = KeeperReport::Kind;
  const auto forget = [&] {
    static const Cancellation never;
    stop_keeper(folder_, wanted.name, never);
    LoginUnit(who_, folder_, wanted.name).remove();
    folder_.remove(wanted.name);
  };
  KeeperReport report;
  try {
    report = start_keeper(folder_, wanted.name, cancellation_);
  } catch (const Error&) {
    if (!was_there) forget();
    throw;
  }
  if (report.kind == Kind::stands || report.kind == Kind::away) return;
  if (!was_there) forget();
  throw Error(report.reason);
}

void LocalTunnels::perform(const StartTunnel& action) {
  cancellation_.check();
  const Tunnel& wanted = action.tunnel;
  if (!is_tunnel_name(wanted.name)) throw Error(fmt::format("`{}` is no name of a tunnel", wanted.name));
  try {
    folder_.prepare();
    const auto before = folder_.settings(wanted.name);
    const bool was_there = before && same_but_for_login(*before, wanted);
    const bool stands = was_there && stands_as(wanted);
    const LoginUnit unit(who_, folder_, wanted.name);
    if (!stands) stop_keeper(folder_, wanted.name, cancellation_);
    if (wanted.at_login)
      unit.write();
    else
      unit.remove();
    if (before != wanted) folder_.write(wanted);
    if (!stands) return start(wanted, was_there);
    const auto status = ask_tunnel(folder_, wanted.name, TunnelQuestion::retry, retry_patience, cancellation_);
    if (status && status->state == State::needs_you) throw Error(status->reason);
  } catch (Error& e) {
    throw e.while_doing(fmt::format("while starting the tunnel {}", wanted.name));
  }
}

void LocalTunnels::perform(const StopTunnel& stop) {
  cancellation_.check();
  if (!is_tunnel_name(stop.name)) throw Error(fmt::format("`{}` is no name of a tunnel", stop.name));
  LoginUnit(who_, folder_, stop.name).remove();
  if (!folder_.settings(stop.name) && !folder_.keeper(stop.name)) return;
  stop_keeper(folder_, stop.name, cancellation_);
  folder_.remove(stop.name);
}

}  // namespace mlops
