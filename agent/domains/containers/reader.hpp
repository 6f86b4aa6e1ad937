// Images of a container engine that answers Docker's Engine API.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mlops {

// Docker's own; Debian's /var/run is a link to /run.
inline constexpr auto docker_socket = "/var/run/docker.sock";

struct ContainerImage {
  std::string id;                    // "sha256:…"; "" if a plan only assumes the image
  std::vector<std::string> tags;     // "hello-world:latest"
  std::vector<std::string> digests;  // "hello-world@sha256:…": only of what came from a registry
  std::string platform;              // "linux/amd64", "linux/arm/v7"; "" if it is not known
  bool assumed = false;              // it is what a plan's own step brings
};

class ContainerReader {
 public:
  virtual ~ContainerReader() = default;
  // The image of that name (ImageReference::name()) or id; absent if there is none. One request. socket: the
  // daemon's. Error unavailable if no daemon answers there, denied without the right to ask it.
  virtual std::optional<ContainerImage> image(const std::string& socket, const std::string& name) const = 0;
};

}  // namespace mlops
