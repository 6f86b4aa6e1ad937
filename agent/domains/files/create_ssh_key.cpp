// Performs CreateSshKey: both files are complete beside their places before the first gets its name.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "domains/files/local.hpp"
#include "domains/files/paths.hpp"
#include "domains/files/placing.hpp"
#include "domains/files/staged_file.hpp"
#include "ssh/key_pair.hpp"

namespace mlops {
namespace {

Error exists(const std::string& path) { return Error(path + " exists already: a key is never overwritten"); }

void need_absent(Walker& walker, const std::string& path) {
  const auto place = walker.place(path);
  if (!place) throw Error("the folder of " + path + " does not exist");
  if (!is_absent(*place)) throw exists(path);
}

// A file whose content is overwritten in memory at the end.
struct SecretFile {
  explicit SecretFile(WriteFile file) : action(std::move(file)) {}
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  ~SecretFile() { ::explicit_bzero(action.content.data(), action.content.size()); }
  WriteFile action;
};

WriteFile file_of(const CreateSshKey& action, const char* suffix, std::string content, std::uint32_t mode) {
  return {.path = action.path + suffix,
          .content = std::move(content),
          .mode = mode,
          .owner = action.owner,
          .group = action.group,
          .replace_link = true};  // never through a link: an existing file is an error
}

void sync_file(StagedFile& staged, const std::string& path) {
  if (::fsync(staged.file().get()) != 0) throw system_error("cannot sync " + path, errno);
}

}  // namespace

// The private key first: from it alone the public half can be made again.
void FileWriter::perform(const CreateSshKey& action) {
  const std::string public_path = action.path + ".pub";
  for (const std::string& path : {action.path, public_path}) need_absent(walker_, path);
  SshKeyPair pair;
  make_key_pair(action.type == CreateSshKey::Type::rsa ? "ssh-rsa" : "ssh-ed25519", action.bits, action.comment,
                pair);
  const SecretFile secret(file_of(action, "", pair.private_key, action.mode));
  const WriteFile half = file_of(action, ".pub", pair.public_line + '\n', 0644);
  StagedFile key(secret.action, walker_, names_), public_half(half, walker_, names_);
  sync_file(key, action.path);
  sync_file(public_half, public_path);
  if (!key.put_where_absent()) throw exists(action.path);
  try {
    if (!public_half.put_where_absent()) throw exists(public_path);
  } catch (...) {
    ::unlinkat(key.folder(), std::string(name_of(action.path)).c_str(), 0);
    throw;
  }
  sync_folder(key.folder(), action.path);
}

}  // namespace mlops
