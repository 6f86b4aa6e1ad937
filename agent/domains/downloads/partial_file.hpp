// The partial file beside the target of a download, with the digest of its content so far.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/handle.hpp"
#include "domains/files/safe_path.hpp"

namespace mlops {

class PartialFile {
 public:
  // The owner and attributes that it gets when it is renamed into place.
  struct Attributes {
    std::uint32_t mode = 0644;
    uid_t user = static_cast<uid_t>(-1);  // as fchown(2): unchanged
    gid_t group = static_cast<gid_t>(-1);
    bool keep_acl = false;  // of the replaced file
  };

  // Opens an earlier run's file, if it is exclusively this user's, or creates a new one; 0600. path is the
  // target's, for messages.
  PartialFile(Walker::Place place, std::string path, const Cancellation& cancellation);

  std::uint64_t size() const { return size_; }
  // Of its content; reads an earlier run's content on the first call.
  std::string sha256();
  // Error if the disk is full, which removes the file; Error cancelled.
  void append(std::string_view bytes);
  void restart();
  void remove();
  // fchown, extended attributes of the replaced file, fchmod, fsync, rename, and a sync of the folder. Returns
  // its stat afterwards.
  struct stat put_in_place(const Attributes& attributes);
  struct stat status() const;

 private:
  Handle open_existing() const;
  void catch_up();

  Walker::Place place_;
  std::string path_, name_;
  const Cancellation& cancellation_;
  Handle file_;
  std::uint64_t size_ = 0;
  std::uint64_t digested_ = 0;  // bytes included in digest_
  Sha256 digest_;
};

}  // namespace mlops
