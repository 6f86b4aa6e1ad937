// What can be done to images of a container engine, as plain values.
#pragma once

#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"

namespace mlops {

// In all: socket is the daemon's, name an ImageReference::name().

// From the mirror where it has an archive of it, else from its registry. An image that has the name already
// loses it.
struct PullImage {
  static constexpr ActionTraits traits{"pull_image",          Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string socket, name;
  std::string digest;    // the version to pull, "sha256:…", which then gets the name; "": the tag's
  std::string platform;  // "linux/arm64"; "": the daemon's
  static constexpr auto fields() {
    return std::tuple(field("socket", &PullImage::socket), field("name", &PullImage::name),
                      field("digest", &PullImage::digest), field("platform", &PullImage::platform));
  }
  friend bool operator==(const PullImage&, const PullImage&) = default;
};

// From an archive as `docker save` writes it: of a file, or of a URL (which the mirror may have). Error if it
// has no image of the name; one without a name gets it.
struct LoadImage {
  static constexpr ActionTraits traits{"load_image",          Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string socket, name;
  std::string file, url;  // one of them
  std::string sha256;     // of the archive, 64 hex digits, or ""
  static constexpr auto fields() {
    return std::tuple(field("socket", &LoadImage::socket), field("name", &LoadImage::name),
                      field("file", &LoadImage::file), without_passwords("url", &LoadImage::url),
                      field("sha256", &LoadImage::sha256));
  }
  friend bool operator==(const LoadImage&, const LoadImage&) = default;
};

// Gives an image that is there the name.
struct TagImage {
  static constexpr ActionTraits traits{"tag_image",           Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string socket, id, name;
  static constexpr auto fields() {
    return std::tuple(field("socket", &TagImage::socket), field("id", &TagImage::id),
                      field("name", &TagImage::name));
  }
  friend bool operator==(const TagImage&, const TagImage&) = default;
};

// Takes the name away, and the image with its last name. Error if a container uses it.
struct RemoveImage {
  static constexpr ActionTraits traits{"remove_image",        Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string socket, name;
  static constexpr auto fields() {
    return std::tuple(field("socket", &RemoveImage::socket), field("name", &RemoveImage::name));
  }
  friend bool operator==(const RemoveImage&, const RemoveImage&) = default;
};

using ContainerActions = TypeList<PullImage, LoadImage, TagImage, RemoveImage>;

}  // namespace mlops
