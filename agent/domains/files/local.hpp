// The files of this machine: reading them, and performing the actions of their domain.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/type_list.hpp"
#include "domains/accounts/owner_names.hpp"
#include "domains/files/actions.hpp"
#include "domains/files/reader.hpp"
#include "domains/files/safe_path.hpp"
#include "domains/local_context.hpp"

namespace mlops {

class Cancellation;
class StagedFile;

// Reads with the privileges of this process. All arguments must outlive it; hashing is cancellable (Error
// cancelled).
class LocalFiles : public FileReader {
 public:
  LocalFiles(Walker& walker, OwnerNames& names, const Cancellation* cancellation = nullptr)
      : walker_(walker), names_(names), cancellation_(cancellation) {}
  std::optional<FileView> view(const std::string& path, std::uint64_t content_limit) const override;
  std::optional<std::vector<std::string>> list(const std::string& path) const override;
  std::optional<std::string> resolve(const std::string& path) const override;
  std::optional<std::string> sha256(const std::string& path) const override;
  std::optional<Grants> grants(const std::string& path) const override;

 private:
  FileStatus status_of(const struct ::stat& raw) const;
  Walker& walker_;
  OwnerNames& names_;
  const Cancellation* cancellation_;
};

// Performs the file actions durably: when a member returns, its effect survives a power cut. walker and names
// must outlive it. notice receives a sentence if something could not be done atomically.
class FileWriter {
 public:
  using Notice = std::function<void(const std::string&)>;
  FileWriter(Walker& walker, OwnerNames& names, Notice notice)
      : walker_(walker), names_(names), notice_(std::move(notice)) {}

  void perform(const WriteFile& action);
  void perform(const CreateSecret& action);
  void perform(const CreateSshKey& action);
  void perform(const CreateDirectory& action);
  void perform(const CreateLink& action);
  void perform(const SetAttributes& action);
  void perform(const RemovePath& action);
  void perform(const RenamePath& action);
  void perform(const RestorePath& action);

  // Performs all of them, some hundreds at a time, with one sync before and one after their renames for each
  // file system. Returns one error for each, absent on success.
  std::vector<std::optional<Error>> write_together(std::span<const WriteFile* const> actions);

 private:
  // For an undo: the current state was left by the run that is undone.
  enum class Judged { here, before };
  void write(const WriteFile& action, Judged judged);
  void set_attributes(const SetAttributes& action, Judged judged);
  void write_batch(std::span<const WriteFile* const> actions, std::span<std::optional<Error>> errors);
  void put_in_place(StagedFile& staged, const WriteFile& action);
  void restore_tree(const RestorePath& action, const Walker::Place& place);
  bool link_again(const SavedPath& saved, const Walker::Place& place);
  Walker& walker_;
  OwnerNames& names_;
  Notice notice_;
};

// The domain's part of the local machine.
struct FilesLocal : LocalPart {
  explicit FilesLocal(const LocalContext& c)
      : reader(c.walker, c.names, &c.cancellation),
        writer(c.walker, c.names, [&progress = c.progress](const std::string& text) {
          progress({text, 0, 0});
        }) {}
  void perform(const OneOf<FileActions> auto& action) { writer.perform(action); }
  LocalFiles reader;
  FileWriter writer;
};

// The name of the temporary file beside a target of that name. It is always the same, so that a killed run's
// file is found and replaced by the next run; a name that would be too long is shortened, and made unique with
// its digest.
std::string temporary_name(const std::string& name, const std::string& suffix = "new");

}  // namespace mlops
