// Fetching one URL into a partial file: resumed where that is safe, tried again where that may help.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "domains/downloads/cache.hpp"
#include "domains/downloads/http.hpp"
#include "domains/downloads/partial_file.hpp"
#include "domains/downloads/retry.hpp"

namespace mlops {

// The server did not give it; another source may. Everything else that goes wrong is an Error.
struct NotHad {
  std::string cause;  // "GET https://…: 404 Not Found"
};

// What a server says of the version that it gave. "" for what it did not say.
struct Validators {
  std::string etag, last_modified;
};

struct TransferSettings {
  std::string url;         // that is read
  std::string shown_url;   // that was asked for, for messages
  std::string sha256;      // that it is to have; "": not known
  std::string record_key;  // of what the cache keeps about the partial file
  std::uint64_t size_limit = 0;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// Either the partial file then holds the whole content, or NotHad or Error is thrown. A partial file of an
// earlier run goes on where it ends when the cache knows its version, and the server still has that (Range with
// If-Range, RFC 9110, 13.1.5), or when a digest will tell; a power cut in between counts against it.
Validators transfer(const TransferSettings& settings, HttpClient& http, DownloadCache& cache, PartialFile& part,
                    const Patience& patience);

// The text at the URL, of at most limit bytes. NotHad, Error.
std::string transfer_text(const std::string& url, std::uint64_t limit, HttpClient& http, const Patience& patience);

// What is at a URL: still of the version that was asked about (304 Not Modified), of another size than was asked about,
// or, read to its end, of this digest.
struct ContentDigest {
  enum class End { unchanged, other_size, whole } end = End::whole;
  std::string sha256;  // lower-case hex, of `whole`
};
// known: "" for what is not known of the version. size: bytes, of another the content is not read. NotHad, Error.
ContentDigest content_digest(const std::string& url, const Validators& known, std::uint64_t size, HttpClient& http,
                             const Patience& patience);

// Whether a git repository is served at the URL, by either of git's protocols over HTTP. Asks once.
bool has_git_repository(const std::string& url, HttpClient& http);

// Throws Error when that many bytes are more than the limit, which is 0 for none.
void check_size(const std::string& url, std::uint64_t bytes, std::uint64_t limit);

}  // namespace mlops
