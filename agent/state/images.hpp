// The content of what was replaced, by its SHA-256, compressed where that pays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/database.hpp"

namespace mlops {

// Small ones are rows of the database, others files in FOLDER/images, mode 0600. database must outlive it.
class Images {
 public:
  Images(Database& database, std::string folder);

  // Keeps the content for the run, and returns its digest. Within a transaction; durable once sync was called and the
  // transaction committed.
  std::string keep(std::string_view content, std::int64_t run);
  // Makes durable what is kept in files. To be called before the commit.
  void sync();
  // After a transaction that was taken back.
  void forget_unsynced() { written_.clear(); }
  // Error where it is not there, or is no longer what it was.
  std::string load(const std::string& digest);
  // Removes what no run of those that are still listed uses, and what a run that was cut off left.
  void sweep();

 private:
  std::string path_of(const std::string& digest) const;
  void write(const std::string& digest, std::string_view bytes);

  Database& database_;
  std::string folder_;
  std::vector<std::string> written_;  // digests whose files are not durable yet
};

}  // namespace mlops
