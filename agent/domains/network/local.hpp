// The sockets of the machine that this process runs on.
#pragma once

#include "base/cancellation.hpp"
#include "base/type_list.hpp"
#include "domains/local_context.hpp"
#include "domains/network/reader.hpp"

namespace mlops {

class LocalNetwork : public NetworkReader {
 public:
  explicit LocalNetwork(const Cancellation& cancellation) : cancellation_(cancellation) {}
  std::optional<Listener> listener_at(const std::string& address, std::uint16_t port) const override {
    return listener_on(address, port);
  }
  // Error cancelled if the person interrupts while it waits.
  std::optional<int> http_status(const HttpGet& get) const override;

 private:
  const Cancellation& cancellation_;
};

// The domain's part of the local machine.
struct NetworkLocal : LocalPart {
  explicit NetworkLocal(const LocalContext& c) : reader(c.cancellation) {}
  LocalNetwork reader;
};

}  // namespace mlops
