// The reads of tunnels as values, one for each member of TunnelReader: what decorates a reader handles each as
// one of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/tunnels/reader.hpp"

namespace mlops {

struct ReadTunnel {
  using Result = std::optional<TunnelView>;
  std::string name;
  Result ask(const TunnelReader& reader) const { return reader.tunnel(name); }
};
struct ReadListener {
  using Result = std::optional<std::string>;
  Endpoint place;
  Result ask(const TunnelReader& reader) const { return reader.listener(place); }
};

using TunnelQueries = TypeList<ReadTunnel, ReadListener>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedTunnels : public TunnelReader {
  std::optional<TunnelView> tunnel(const std::string& name) const override {
    return asker().ask(ReadTunnel{name});
  }
  std::optional<std::string> listener(const Endpoint& place) const override {
    return asker().ask(ReadListener{place});
  }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
