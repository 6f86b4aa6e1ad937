// Downloading a file, as a plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"

namespace mlops {

// Fetches url to path: into a partial file beside it, resumed and retried, verified, then renamed.
struct Download {
  static constexpr ActionTraits traits{
      "download",      Runs::no_program,   Effect::foreseen, OnFailure::maybe_done,
      Needs::any_user, Repeated::succeeds, Groups::unchanged};
  std::string url, path;
  std::string sha256;      // 64 hex digits, or ""
  std::string sha256_url;  // a published checksum file that lists the file's name, or ""
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  std::uint64_t size_limit = 0;  // bytes; 0: none
  std::uint64_t timeout_ms = 0;  // for the whole download; 0: none
  static constexpr auto fields() {
    return std::tuple(without_passwords("url", &Download::url), field("path", &Download::path),
                      field("sha256", &Download::sha256), unrecorded("sha256_url", &Download::sha256_url),
                      field("mode", &Download::mode), field("owner", &Download::owner),
                      field("group", &Download::group), unrecorded("size_limit", &Download::size_limit),
                      unrecorded("timeout_ms", &Download::timeout_ms));
  }
  friend bool operator==(const Download&, const Download&) = default;
};

using DownloadActions = TypeList<Download>;

}  // namespace mlops
