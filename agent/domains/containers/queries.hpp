// The read of images as a value: what decorates a reader handles it as one of these.
#pragma once

#include <optional>
#include <string>

#include "base/type_list.hpp"
#include "domains/containers/reader.hpp"

namespace mlops {

struct FindImage {
  using Result = std::optional<ContainerImage>;
  std::string socket, name;
  Result ask(const ContainerReader& reader) const { return reader.image(socket, name); }
};

using ContainerQueries = TypeList<FindImage>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedContainers : public ContainerReader {
  std::optional<ContainerImage> image(const std::string& socket, const std::string& name) const override {
    return static_cast<const Asker&>(*this).ask(FindImage{socket, name});
  }
};

}  // namespace mlops
