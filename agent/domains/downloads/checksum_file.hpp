// Checksum files as projects publish them beside their releases.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlops {

struct ListedDigest {
  std::string sha256;  // lower-case hex
  std::string name;    // as listed; "" for a lone digest
  friend bool operator==(const ListedDigest&, const ListedDigest&) = default;
};

// Every SHA-256 in the text: sha256sum's lines ("DIGEST  NAME", "DIGEST *NAME"), BSD's ("SHA256 (NAME) =
// DIGEST"), and lone digests. Other lines (comments, signatures, other digests) are skipped.
std::vector<ListedDigest> parse_checksum_file(std::string_view text);

// The digest of the file of that name: listed under it, or under a path that ends with it, or alone in a file
// that contains nothing else. Error, a sentence, if there is none or if two of equal rank differ.
std::string find_sha256(const std::vector<ListedDigest>& listed, const std::string& file_name);

}  // namespace mlops
