// A tunnel that is kept by a thread of the test, and asked as others ask its process.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "domains/tunnels/control.hpp"
#include "domains/tunnels/keeper/keeper.hpp"
#include "support/ssh_server.hpp"

namespace mlops::test {

class KeptTunnel {
 public:
  // Through `box` of that configuration.
  KeptTunnel(Tunnel tunnel, const std::string& config)
      : folder_(std::make_unique<TunnelFolder>(files_ / "tunnels", ::geteuid())), name_(tunnel.name) {
    tunnel.via = "box";
    tunnel.ssh_config = config;
    folder_->prepare();
    folder_->write(tunnel);
    thread_ = std::thread([this] {
      kept_ =
          keep_tunnel(*folder_, name_, cancellation_, [this](const KeeperReport& r) { report_.set_value(r); });
    });
    first_report = report_.get_future().get();
  }
  ~KeptTunnel() { end(); }
  KeptTunnel(const KeptTunnel&) = delete;
  KeptTunnel& operator=(const KeptTunnel&) = delete;

  KeeperReport first_report;
  const TunnelFolder& folder() const { return *folder_; }
  const TemporaryFolder& files() const { return files_; }

  std::optional<TunnelStatus> ask(TunnelQuestion question = TunnelQuestion::status) const {
    return ask_tunnel(*folder_, name_, question, std::chrono::seconds(60), never_);
  }
  TunnelView::State state(TunnelQuestion question = TunnelQuestion::status) const {
    const auto status = ask(question);
    return status ? status->state : TunnelView::State::silent;
  }
  // Asks until it is so. The seconds that it took; throws after a minute.
  double await(const std::function<bool(const TunnelStatus&)>& so,
               TunnelQuestion question = TunnelQuestion::status) const {
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
      if (const auto status = ask(question); status && so(*status)) return passed.count();
      if (passed.count() > 60) throw std::runtime_error("the tunnel did not become as it should");
      ::poll(nullptr, 0, 20);
    }
  }
  // True if it ended because it was asked to.
  bool end() {
    cancellation_.cancel();
    if (thread_.joinable()) thread_.join();
    return kept_;
  }
  bool await_end() {
    thread_.join();
    return kept_;
  }

 private:
  TemporaryFolder files_;
  std::unique_ptr<TunnelFolder> folder_;
  std::string name_;
  Cancellation cancellation_, never_;
  std::promise<KeeperReport> report_;
  bool kept_ = false;
  std::thread thread_;
};

inline Tunnel local_tunnel(std::uint16_t listen, std::uint16_t target) {
  return {.name = "t", .listen = {"127.0.0.1", listen, ""}, .target = {"127.0.0.1", target, ""}};
}

// A socket connected to a Unix socket, or an empty handle.
inline Handle connect_to_path(const std::string& path) {
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return Handle();
  return socket;
}

}  // namespace mlops::test
