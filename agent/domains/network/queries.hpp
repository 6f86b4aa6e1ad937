// The reads of network as values, one for each member of NetworkReader: what decorates a reader handles each as
// one of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/network/reader.hpp"

namespace mlops {

struct ReadListenerAt {
  using Result = std::optional<Listener>;
  std::string address;
  std::uint16_t port = 0;
  Result ask(const NetworkReader& reader) const { return reader.listener_at(address, port); }
};
struct AskHttp {
  using Result = std::optional<int>;
  HttpGet get;
  Result ask(const NetworkReader& reader) const { return reader.http_status(get); }
};

using NetworkQueries = TypeList<ReadListenerAt, AskHttp>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedNetwork : public NetworkReader {
  std::optional<Listener> listener_at(const std::string& address, std::uint16_t port) const override {
    return asker().ask(ReadListenerAt{address, port});
  }
  std::optional<int> http_status(const HttpGet& get) const override { return asker().ask(AskHttp{get}); }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
