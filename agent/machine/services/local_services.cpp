#include "machine/services/local_services.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>

#include "backends/systemd_api.hpp"
#include "machine/backend.hpp"
#include "model/error.hpp"

namespace mlops {
namespace {

mlops_systemd_verb backend_verb(ChangeUnit::Verb verb) {
  switch (verb) {
    case ChangeUnit::Verb::start:
      return mlops_systemd_start;
    case ChangeUnit::Verb::stop:
      return mlops_systemd_stop;
    case ChangeUnit::Verb::restart:
      return mlops_systemd_restart;
    case ChangeUnit::Verb::reload:
      return mlops_systemd_reload;
    case ChangeUnit::Verb::enable:
      return mlops_systemd_enable;
    case ChangeUnit::Verb::disable:
      return mlops_systemd_disable;
  }
  throw Error("no such verb");
}

void check(const mlops_systemd_result& result) {
  switch (result.failure) {
    case mlops_systemd_none:
      return;
    case mlops_systemd_denied:
      throw Error(result.message, ErrorKind::denied);
    case mlops_systemd_cancelled:
      throw Error(result.message, ErrorKind::cancelled);
    case mlops_systemd_other:
    case mlops_systemd_not_found:
    case mlops_systemd_lost:
      throw Error(result.message);
  }
}

}  // namespace

void require_systemd(const std::string& root) {
  struct stat s;
  if (::stat((root + "/run/systemd/system").c_str(), &s) == 0 && S_ISDIR(s.st_mode)) return;
  std::string name;
  std::getline(std::ifstream(root + "/proc/1/comm"), name);
  throw Error(name.empty() ? "systemd does not run here"
                           : fmt::format("systemd does not run here (PID 1 is `{}`)", name),
              ErrorKind::unavailable);
}

struct LocalServices::Connection {
  Backend backend{"systemd"};
  mlops_systemd_close_fn* close = backend.function<mlops_systemd_close_fn>("mlops_systemd_close");
  mlops_systemd_read_fn* read = backend.function<mlops_systemd_read_fn>("mlops_systemd_read");
  mlops_systemd_change_fn* change = backend.function<mlops_systemd_change_fn>("mlops_systemd_change");
  void* client = nullptr;

  Connection() {
    mlops_systemd_result result;
    client = backend.function<mlops_systemd_open_fn>("mlops_systemd_open")(&result);
    check(result);
  }
  ~Connection() {
    if (client) close(client);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
};

LocalServices::LocalServices(const Cancellation& cancellation) : cancellation_(cancellation) {}
LocalServices::~LocalServices() = default;

LocalServices::Connection& LocalServices::connection() const {
  if (!connection_) {
    require_systemd();
    connection_ = std::make_unique<Connection>();
  }
  return *connection_;
}

Unit LocalServices::unit(const std::string& name) const {
  mlops_systemd_unit unit;
  mlops_systemd_result result;
  connection().read(connection().client, name.c_str(), &unit, &result);
  if (result.failure == mlops_systemd_lost) {  // an upgrade of systemd lets go of who is connected
    connection_.reset();
    connection().read(connection().client, name.c_str(), &unit, &result);
  }
  check(result);
  return {name,
          unit.load_state,
          unit.active_state,
          unit.sub_state,
          unit.enabled_state,
          unit.can_reload,
          std::to_string(unit.since)};
}

void LocalServices::perform(const ChangeUnit& change) const {
  cancellation_.check();
  connection_.reset();  // one that an upgrade cut would be seen only in the middle
  mlops_systemd_result result;
  connection().change(connection().client, change.unit.c_str(), backend_verb(change.verb), cancellation_.fd(),
                      &result);
  check(result);
}

}  // namespace mlops
