#include "hosts/first_contact.hpp"

#include <fmt/format.h>

#include "hosts/arrival_watch.hpp"
#include "hosts/host_key_change.hpp"
#include "hosts/host_readiness.hpp"

namespace mlops {
namespace {

ArrivalStage arrival_stage(ConnectStage stage) {
  switch (stage) {
    case ConnectStage::address:
      return ArrivalStage::address;
    case ConnectStage::port:
      return ArrivalStage::port;
    case ConnectStage::host_key:
      return ArrivalStage::host_key;
    case ConnectStage::login:
      break;
  }
  return ArrivalStage::login;
}

// Why the key stays for now; "" if it is replaced.
std::string why_it_stays(const Connection& connection, const FirstContact& contact) {
  if (!contact.may_change)
    return "its host key travelled in user data: apply replaces it by one made there, at once";
  if (contact.no_sudo && connection.settings().user != "root")
    return "its host key travelled in user data, where others can read it, and is not replaced: --no-sudo";
  return "";
}

// A lost connection and a machine that is still booting may be better at the next attempt.
std::string replaced(Connection& connection, const HandedKey& handed, const FirstContact& contact,
                     const Cancellation& cancellation) try {
  return replace_handed_key(connection, handed, cancellation, contact.keys_folder);
} catch (const Error& e) {
  if (e.kind() == ErrorKind::cancelled || e.kind() == ErrorKind::unavailable || connection.lost()) throw;
  throw NotUsable(e);
}

}  // namespace

std::unique_ptr<Connection> connect_to(const std::string& host, const RemoteSettings& settings,
                                       const Cancellation& cancellation) {
  ArrivalStage stage = ArrivalStage::address;
  ConnectOptions options;
  options.accept_new_host_keys = settings.accept_new_host_keys;
  options.warn = settings.warn;
  options.at = [&](ConnectStage at) { stage = arrival_stage(at); };
  if (settings.questions)
    options.ask = [questions = settings.questions](const Question& q) {
      return questions->ask(q.text, q.echo);
    };
  try {
    return connect_ssh(ssh_settings(host, settings.ssh_config), options, cancellation);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::cancelled) throw;
    throw NotArrived(stage, e);
  }
}

void make_contact(Connection& connection, const FirstContact& contact, const Tell& tell,
                  const Cancellation& cancellation) {
  const auto handed = handed_key(connection.settings());
  const std::string stays = handed ? why_it_stays(connection, contact) : "";
  if (handed && stays.empty())
    tell(fmt::format("its host key, which travelled in user data, is replaced by {}, made there",
                     replaced(connection, *handed, contact, cancellation)));
  HostReadiness ready;
  if (contact.is_awaited) ready = read_readiness(connection, cancellation);
  if (ready.waits != ArrivalStage::unknown)
    throw NotArrived(ready.waits, Error(ready.why, ErrorKind::unavailable));
  if (!stays.empty()) tell(stays);
  if (!ready.errors.empty()) tell("cloud-init ended with errors: " + ready.errors);
}

}  // namespace mlops
