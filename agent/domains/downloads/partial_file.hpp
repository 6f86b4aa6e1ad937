// The file beside the target into which a download goes, with the digest of what it holds so far.
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
  // Who and what it becomes when it is put in place.
  struct Attributes {
    std::uint32_t mode = 0644;
    uid_t user = static_cast<uid_t>(-1);  // as fchown(2): unchanged
    gid_t group = static_cast<gid_t>(-1);
    bool keep_acl = false;  // of the file that is replaced
  };

  // Opens what an earlier run left, if it is ours alone, or makes a new file; 0600. path is the target's, for
  // messages.
  PartialFile(Walker::Place place, std::string path, const Cancellation& cancellation);

  std::uint64_t size() const { return size_; }
  // Of what it holds; reads what an earlier run left when it is asked for the first time.
  std::string sha256();
  // Error when the disk is full, which removes it; Error cancelled.
  void append(std::string_view bytes);
  void restart();
  void remove();
  // fchown, extended attributes of what is replaced, fchmod, fsync, rename, and a sync of the folder. Returns
  // what stat says of it then.
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
  std::uint64_t digested_ = 0;  // bytes that digest_ has
  Sha256 digest_;
};

}  // namespace mlops
