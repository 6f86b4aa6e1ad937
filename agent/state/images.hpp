// The content of replaced files, by its SHA-256, compressed if that saves space.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/database.hpp"

namespace mlops {

// Small images are rows of the database, others files in FOLDER/images, mode 0600. database must outlive it.
class Images {
 public:
  Images(Database& database, std::string folder);

  // Keeps the content for the run, and returns its digest. Within a transaction; durable once sync was called
  // and the transaction committed.
  std::string keep(std::string_view content, std::int64_t run);
  // Makes the kept files durable. To be called before the commit.
  void sync();
  // Called after a transaction was rolled back.
  void forget_unsynced() { written_.clear(); }
  // Error if it is missing, or was altered.
  std::string load(const std::string& digest);
  // Removes images that no listed run uses, and those of an interrupted run.
  void sweep();

 private:
  std::string path_of(const std::string& digest) const;
  void write(const std::string& digest, std::string_view bytes);

  Database& database_;
  std::string folder_;
  std::vector<std::string> written_;  // digests whose files are not durable yet
};

}  // namespace mlops
