// Names of container images, as Docker writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mlops {

// "hello-world", "repo:tag", "ghcr.io/owner/repo@sha256:…".
struct ImageReference {
  std::string registry;    // "docker.io" where none is written
  std::string repository;  // "library/hello-world"
  std::string tag;         // "latest" where neither tag nor digest is written; "" with a digest
  std::string digest;      // "sha256:" and 64 hex digits, or ""

  // As Docker shows it: "hello-world", "ghcr.io/owner/repo".
  std::string shown_repository() const;
  // The same with its tag or digest: "hello-world:latest".
  std::string name() const;
  // Of the archive that a mirror holds for it: "https://docker.io/library/hello-world/latest.tar". With a
  // digest there is none: an archive does not keep it.
  std::optional<std::string> archive_url() const;
};

// Absent, with why as a sentence's end, for other texts.
std::optional<ImageReference> parse_image_reference(std::string_view text, std::string& why);

// Whether it is "sha256:" and 64 lower-case hex digits.
bool is_image_digest(std::string_view text);

}  // namespace mlops
