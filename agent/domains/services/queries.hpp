// The reads of services as values, one for each member of ServiceReader: what decorates a reader handles each
// as one of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/services/reader.hpp"

namespace mlops {

struct ReadUnit {
  using Result = Unit;
  std::string name;
  Result ask(const ServiceReader& reader) const { return reader.unit(name); }
};
struct ReadLog {
  using Result = std::string;
  std::string name;
  std::uint64_t since_us = 0;
  Result ask(const ServiceReader& reader) const { return reader.log_since(name, since_us); }
};

using ServiceQueries = TypeList<ReadUnit, ReadLog>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedServices : public ServiceReader {
  Unit unit(const std::string& name) const override { return asker().ask(ReadUnit{name}); }
  std::string log_since(const std::string& name, std::uint64_t since_us) const override {
    return asker().ask(ReadLog{name, since_us});
  }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
