#include "model/claim.hpp"

#include <array>
#include <utility>

namespace mlops {
namespace {

using Kind = Claim::Kind;
using Access = Claim::Access;

constexpr std::array kinds{Kind::path, Kind::user,   Kind::group, Kind::package, Kind::service,
                           Kind::port, Kind::tunnel, Kind::cloud, Kind::image};
constexpr std::array accesses{Access::owns, Access::edits, Access::reads};
constexpr std::string_view tree_word = "tree";

std::string_view to_text(Access access) {
  switch (access) {
    case Access::owns:
      return "owns";
    case Access::edits:
      return "edits";
    case Access::reads:
      return "reads";
  }
  return "reads";
}

// "owns path /etc/motd" -> "owns", "path /etc/motd"
std::pair<std::string_view, std::string_view> first_word(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return {text, {}};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

}  // namespace

const char* to_text(Claim::Kind kind) {
  switch (kind) {
    case Claim::Kind::path:
      return "path";
    case Claim::Kind::user:
      return "user";
    case Claim::Kind::group:
      return "group";
    case Claim::Kind::package:
      return "package";
    case Claim::Kind::service:
      return "service";
    case Claim::Kind::port:
      return "port";
    case Claim::Kind::tunnel:
      return "tunnel";
    case Claim::Kind::cloud:
      return "cloud";
    case Claim::Kind::image:
      return "image";
  }
  return "thing";
}

ClaimedObject object_of(const Claim& claim) { return {claim.kind, claim.key, claim.tree}; }

std::vector<ClaimedObject> written_objects(const Claims& claims) {
  std::vector<ClaimedObject> objects;
  for (const Claim& claim : claims)
    if (claim.access != Access::reads) objects.push_back(object_of(claim).itself());
  return objects;
}

std::string to_string(const ClaimedObject& object) {
  std::string text(object.tree ? tree_word : std::string_view(to_text(object.kind)));
  return text + ' ' + object.key;
}

std::optional<ClaimedObject> parse_object(std::string_view text) {
  const auto [word, key] = first_word(text);
  if (key.empty()) return std::nullopt;
  if (word == tree_word) return ClaimedObject{Kind::path, std::string(key), true};
  for (const Kind kind : kinds)
    if (word == to_text(kind)) return ClaimedObject{kind, std::string(key), false};
  return std::nullopt;
}

std::string to_string(const Claim& claim) {
  return std::string(to_text(claim.access)) + ' ' + to_string(object_of(claim));
}

std::optional<Claim> parse_claim(std::string_view text) {
  const auto [word, rest] = first_word(text);
  auto object = parse_object(rest);
  if (!object) return std::nullopt;
  for (const Access access : accesses)
    if (word == to_text(access))
      return Claim{.kind = object->kind, .key = std::move(object->key), .access = access, .tree = object->tree};
  return std::nullopt;
}

}  // namespace mlops
