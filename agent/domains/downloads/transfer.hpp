// Downloads one URL into a partial file: resumes if that is safe, retries if that may help.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "domains/downloads/cache.hpp"
#include "domains/downloads/partial_file.hpp"
#include "http/client.hpp"
#include "http/retry.hpp"

namespace mlops {

// The server did not have it; another source may. Any other failure is an Error.
struct NotHad {
  std::string cause;  // "GET https://…: 404 Not Found"
};

// The server's validators of the version that it sent. "" for absent ones.
struct Validators {
  std::string etag, last_modified;
};

struct TransferSettings {
  std::string url;         // that is read
  std::string shown_url;   // that was requested, for messages
  std::string sha256;      // that it must have; "": not known
  std::string record_key;  // of the cache's record of the partial file
  std::uint64_t size_limit = 0;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// On return, the partial file contains the whole content; otherwise NotHad or Error is thrown. An earlier run's
// partial file is resumed if the cache knows its version, and the server still has that (Range with If-Range,
// RFC 9110, 13.1.5), or if a digest will verify it. After a reboot
// in between, only a digest allows that.
Validators transfer(const TransferSettings& settings, HttpClient& http, DownloadCache& cache, PartialFile& part,
                    const Patience& patience);

// The text at the URL, of at most limit bytes. NotHad, Error.
std::string transfer_text(const std::string& url, std::uint64_t limit, HttpClient& http,
                          const Patience& patience);

// The state of a URL: still the version that was asked about (304 Not Modified), of another size, or, read to
// its end, of this digest.
struct ContentDigest {
  enum class End { unchanged, other_size, whole } end = End::whole;
  std::string sha256;  // lower-case hex, of `whole`
};
// known: "" for unknown validators. size: bytes; content of another size is not read. NotHad, Error.
ContentDigest content_digest(const std::string& url, const Validators& known, std::uint64_t size,
                             HttpClient& http, const Patience& patience);

// Whether a git repository is served at the URL, by either of git's protocols over HTTP. One request.
bool has_git_repository(const std::string& url, HttpClient& http);

// Throws Error if that many bytes exceed the limit; 0: no limit.
void check_size(const std::string& url, std::uint64_t bytes, std::uint64_t limit);

}  // namespace mlops
