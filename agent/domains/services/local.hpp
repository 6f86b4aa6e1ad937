// Units of this machine's systemd, through the systemd backend.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/cancellation.hpp"
#include "base/process.hpp"
#include "base/type_list.hpp"
#include "domains/local_context.hpp"
#include "domains/services/actions.hpp"
#include "domains/services/reader.hpp"

namespace mlops {

// Loads the backend and connects on first use. Single-threaded.
class LocalServices : public ServiceReader {
 public:
  // cancellation must outlive this. who: this process's user.
  LocalServices(ActingUser who, const Cancellation& cancellation);
  ~LocalServices() override;

  Unit unit(const std::string& name) const override;
  std::string log_since(const std::string& name, std::uint64_t since_us) const override;
  // Error with systemd's cause, and what the unit logged as its output; Error cancelled leaves the job running
  // in systemd.
  void perform(const ChangeUnit& change) const;
  // Call after a change at the path. If units are read from it, the next change makes systemd reload them.
  void wrote(const std::string& path) const;

 private:
  struct Connection;
  Connection& connection() const;
  void reload_where_outdated(const std::string& unit) const;
  void change_script(const std::string& script, ChangeUnit::Verb verb) const;

  ActingUser who_;
  const Cancellation& cancellation_;
  mutable std::unique_ptr<Connection> connection_;
  mutable bool wrote_unit_files_ = false;
};

// The domain's part of the local machine.
struct ServicesLocal : LocalPart {
  explicit ServicesLocal(const LocalContext& c) : reader(c.who, c.cancellation) {}
  void perform(const OneOf<ServiceActions> auto& action) { reader.perform(action); }
  void wrote(const std::string& path) { reader.wrote(path); }
  LocalServices reader;
};

// Throws Error unavailable, which names PID 1, unless root/run/systemd/system is a folder (sd_booted(3)). root
// is "" except in tests.
void require_systemd(const std::string& root = "");

}  // namespace mlops
