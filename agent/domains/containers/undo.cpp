// How changes to images are reverted.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/domains.hpp"
#include "domains/inverse.hpp"

namespace mlops {
namespace {

constexpr std::string_view socket_joint = " at ";

void capture_named(const std::string& socket, const std::string& name, CaptureBefore& c, Before& b) {
  const auto image = c.machine().containers().image(socket, name);
  b.had_image = image.has_value();
  if (!image) return;
  b.image_id = image->id;
  b.image_has_other_names =
      std::any_of(image->tags.begin(), image->tags.end(), [&](const std::string& tag) { return tag != name; });
}

// The name goes back to the image that had it, or away with the image that it was brought for.
Inverse give_back(const std::string& socket, const std::string& name, const Before& b) {
  if (!b.had_image) return {};
  if (!*b.had_image) return {{RemoveImage{socket, name}}, {}};
  return {{TagImage{socket, b.image_id, name}}, {}};
}

}  // namespace

std::string image_key(const std::string& socket, const std::string& name) {
  return socket == docker_socket ? name : fmt::format("{}{}{}", name, socket_joint, socket);
}

void capture(const PullImage& a, CaptureBefore& c, Before& b) { capture_named(a.socket, a.name, c, b); }
void capture(const LoadImage& a, CaptureBefore& c, Before& b) { capture_named(a.socket, a.name, c, b); }
void capture(const TagImage& a, CaptureBefore& c, Before& b) { capture_named(a.socket, a.name, c, b); }
void capture(const RemoveImage& a, CaptureBefore& c, Before& b) { capture_named(a.socket, a.name, c, b); }

Inverse invert(const PullImage& a, const Before& b) { return give_back(a.socket, a.name, b); }
Inverse invert(const LoadImage& a, const Before& b) { return give_back(a.socket, a.name, b); }
Inverse invert(const TagImage& a, const Before& b) { return give_back(a.socket, a.name, b); }
Inverse invert(const RemoveImage& a, const Before& b) {
  if (!b.had_image.value_or(false)) return {};
  if (b.image_has_other_names) return {{TagImage{a.socket, b.image_id, a.name}}, {}};
  return {{}, {fmt::format("the image {} ({}), which has to be pulled or loaded again", a.name, b.image_id)}};
}

bool satisfied(const PullImage& a, const MachineReader& m) {
  return a.digest.empty() && m.containers().image(a.socket, a.name).has_value();
}
bool satisfied(const LoadImage&, const MachineReader&) { return false; }
bool satisfied(const TagImage& a, const MachineReader& m) {
  const auto image = m.containers().image(a.socket, a.name);
  return image && image->id == a.id;
}
bool satisfied(const RemoveImage& a, const MachineReader& m) {
  return !m.containers().image(a.socket, a.name).has_value();
}

std::optional<std::string> fingerprint(ContainersDomain, const std::string& kind, const std::string& key,
                                       const MachineReader& m) {
  if (kind != "image") return std::nullopt;
  const auto place = key.find(socket_joint);
  const bool elsewhere = place != std::string::npos;
  const auto image = m.containers().image(elsewhere ? key.substr(place + socket_joint.size()) : docker_socket,
                                          key.substr(0, place));
  return image ? image->id : "absent";
}

}  // namespace mlops
