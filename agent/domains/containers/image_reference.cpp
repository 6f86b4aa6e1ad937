#include "domains/containers/image_reference.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mlops {
namespace {

constexpr std::size_t longest_repository = 255, longest_tag = 128;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

// One part between slashes: lower-case letters and digits, joined by ".", "_", "__" or dashes.
bool is_part(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (is_lower_or_digit(part[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < part.size() && !is_lower_or_digit(part[i])) ++i;
    const std::string_view joint = part.substr(begin, i - begin);
    const bool dashes = joint.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && joint != "." && joint != "_" && joint != "__") return false;
  }
  return true;
}

bool is_repository(std::string_view text) {
  for (;;) {
    const auto slash = text.find('/');
    if (!is_part(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= longest_tag && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

// "registry.example.org", "localhost:5000".
bool is_registry(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  if (host.empty() || host.front() == '.' || host.front() == '-') return false;
  if (!std::all_of(host.begin(), host.end(),
                   [](char c) { return (is_word(c) && c != '_') || c == '.' || c == '-'; }))
    return false;
  if (colon == std::string_view::npos) return true;
  const std::string_view port = text.substr(colon + 1);
  return !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
}

// Docker's rule: what stands before the first slash is a registry if it cannot be a part of a repository.
bool names_registry(std::string_view first) {
  return first.find_first_of(".:") != std::string_view::npos || first == "localhost" ||
         std::any_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

bool is_image_digest(std::string_view text) {
  return text.size() == 71 && text.starts_with("sha256:") &&
         text.find_first_not_of("0123456789abcdef", 7) == std::string_view::npos;
}

std::optional<ImageReference> parse_image_reference(std::string_view text, std::string& why) {
  ImageReference r{"docker.io", "", "latest", ""};
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    r.digest = text.substr(at + 1);
    r.tag.clear();
    text = text.substr(0, at);
    if (!is_image_digest(r.digest)) return why = "a digest is sha256: and 64 hex digits", std::nullopt;
  }
  if (const auto slash = text.find('/'); slash != std::string_view::npos)
    if (const auto first = text.substr(0, slash); names_registry(first)) {
      if (!is_registry(first)) return why = fmt::format("`{}` is no registry", first), std::nullopt;
      r.registry = first == "index.docker.io" ? "docker.io" : std::string(first);
      text.remove_prefix(slash + 1);
    }
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    if (!r.digest.empty())
      return why = "a digest stands in the place of a tag; beside a tag it is `digest`", std::nullopt;
    r.tag = text.substr(colon + 1);
    text = text.substr(0, colon);
    if (!is_tag(r.tag)) return why = "its tag is none that Docker takes", std::nullopt;
  }
  if (text.size() > longest_repository || !is_repository(text))
    return why = "a repository is of lower-case letters and digits, with . _ - inside and / between",
           std::nullopt;
  if (is_image_digest("sha256:" + std::string(text)))
    return why = "64 hex digits are an id; that is `image_id`", std::nullopt;
  r.repository = text;
  if (r.registry == "docker.io" && r.repository.find('/') == std::string::npos)
    r.repository = "library/" + r.repository;
  return r;
}

std::string ImageReference::shown_repository() const {
  if (registry != "docker.io") return registry + "/" + repository;
  return repository.starts_with("library/") ? repository.substr(8) : repository;
}

std::string ImageReference::name() const {
  return shown_repository() + (digest.empty() ? ":" + tag : "@" + digest);
}

std::optional<std::string> ImageReference::archive_url() const {
  if (!digest.empty()) return {};
  return fmt::format("https://{}/{}/{}.tar", registry, repository, tag);
}

}  // namespace mlops
