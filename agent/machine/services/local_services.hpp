// Units of the systemd that runs this machine, through the systemd backend.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "machine/cancellation.hpp"
#include "machine/services/service_reader.hpp"
#include "model/action.hpp"

namespace mlops {

// Loads the backend and connects on first use. For one thread.
class LocalServices : public ServiceReader {
 public:
  // cancellation must outlive this.
  explicit LocalServices(const Cancellation& cancellation);
  ~LocalServices() override;

  Unit unit(const std::string& name) const override;
  // Error with systemd's cause; Error cancelled leaves the job to systemd.
  void perform(const ChangeUnit& change) const;

 private:
  struct Connection;
  Connection& connection() const;

  const Cancellation& cancellation_;
  mutable std::unique_ptr<Connection> connection_;
};

// Throws Error unavailable, which says what PID 1 is, unless root/run/systemd/system is a folder
// (sd_booted(3)). root is "" but in tests.
void require_systemd(const std::string& root = "");

}  // namespace mlops
