// A connection that is never lost and carries nothing on: for tests whose hosts are no other machines.
#pragma once

#include "ssh/connection.hpp"

namespace mlops::test {

class PlainConnection : public Connection {
 public:
  std::unique_ptr<Channel> run(const std::string&) override { throw Error("not here"); }
  void forward(Handle, const std::string&, std::uint16_t, ForwardOptions) override { throw Error("not here"); }
  std::unique_ptr<RemoteListener> listen(const std::string&, std::uint16_t, JoinTo) override {
    throw Error("not here");
  }
  std::optional<std::string> lost() const override { return {}; }
  int lost_fd() const override { return -1; }
  bool answers(std::chrono::milliseconds) override { return true; }
  const SshSettings& settings() const override { return settings_; }

 protected:
  SshSettings settings_;
};

}  // namespace mlops::test
