// A new file beside its final place, not yet renamed into it.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>

#include "base/handle.hpp"
#include "domains/accounts/owner_names.hpp"
#include "domains/files/actions.hpp"
#include "domains/files/safe_path.hpp"

namespace mlops {

// As chown(2): -1 leaves it unchanged.
struct Owners {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
  bool any() const { return user != static_cast<uid_t>(-1) || group != static_cast<gid_t>(-1); }
};
// Error unavailable, which names it, for an account that does not exist. "" leaves it unchanged.
Owners find_owners(const OwnerNames& names, const std::string& owner, const std::string& group);

// The mode of a file whose content is replaced without a given mode; `now`: the current entry's.
mode_t replaced_file_mode(const Walker::Place& place, const struct ::stat& now, bool owner_changes,
                          const OwnerNames& names);
// As root: Error unsafe_path if the existing file must not be given to those (see gives_away).
void check_hand_over(const Walker::Place& place, const struct ::stat& entry, const Owners& wanted,
                     std::optional<mode_t> mode, const OwnerNames& names, const std::string& path);

// The complete file under its temporary name, not yet durable. Only its future owner (and root) ever has more
// rights to it than requested. Removed again unless it was renamed into place.
class StagedFile {
 public:
  StagedFile() = default;
  // action must outlive it. Error if something other than a regular file is in the way, and, unless judged is
  // false, in the cases of check_hand_over.
  StagedFile(const WriteFile& action, Walker& walker, const OwnerNames& names, bool judged = true);
  StagedFile(StagedFile&& other) noexcept { *this = std::move(other); }
  StagedFile& operator=(StagedFile&& other) noexcept;
  ~StagedFile();

  // Renames it into place. A mount point cannot be renamed over (Docker's /etc/hosts): then returns false, and
  // the content was written in place, which is not atomic. The same goes for another user's file that the
  // acting user may write to: a new one could not be given to its owner.
  bool put_in_place();
  // Renames it into place unless something is there: then false.
  bool put_where_absent();
  bool is_anothers() const { return anothers_; }

  int folder() const { return place_.folder; }
  dev_t device() const { return device_; }
  Handle& file() { return file_; }  // to sync it; may be closed; not available for another user's file

 private:
  void create();
  void give_attributes(const struct ::stat& now, bool replaces);
  void write_in_place();

  const WriteFile* action_ = nullptr;
  Walker::Place place_;
  std::string temporary_;  // "" if there is none
  Handle file_;
  dev_t device_ = 0;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  mode_t mode_ = 0;
  bool keeps_acl_ = false;
  bool anothers_ = false;  // it is written in place
};

}  // namespace mlops
