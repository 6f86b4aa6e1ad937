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

std::string changed_keys(Connection& connection, const HandedKey& handed, const FirstContact& contact,
                         const Cancellation& cancellation) {
  if (!contact.may_change)
    return "its host key travelled in user data: apply replaces it by one made there, at once";
  if (contact.no_sudo && connection.settings().user != "root")
    return "its host key travelled in user data, where others can read it, and is not replaced: --no-sudo";
  return fmt::format("its host key, which travelled in user data, is replaced by {}, made there",
                     replace_handed_key(connection, handed, cancellation));
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

std::vector<std::string> make_contact(Connection& connection, const FirstContact& contact,
                                      const Cancellation& cancellation) {
  std::vector<std::string> notices;
  if (const auto handed = handed_key(connection.settings()))
    notices.push_back(changed_keys(connection, *handed, contact, cancellation));
  if (!contact.is_awaited) return notices;
  const HostReadiness ready = read_readiness(connection, cancellation);
  if (ready.waits != ArrivalStage::unknown)
    throw NotArrived(ready.waits, Error(ready.why, ErrorKind::unavailable));
  if (!ready.errors.empty()) notices.push_back("cloud-init ended with errors: " + ready.errors);
  return notices;
}

}  // namespace mlops
