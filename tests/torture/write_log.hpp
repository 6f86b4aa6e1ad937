// What a run writes, in order, and what of it a power cut may leave.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "calls.hpp"

namespace torture {

// One change of the file system. Paths are absolute, as they are when it happens.
struct WriteOp {
  enum class Kind {
    create,
    write,
    truncate,
    mode,
    owner,
    attribute,
    no_attribute,  // of a file's or folder's own
    rename,
    exchange,
    unlink,
    rmdir,
    mkdir,
    symlink,
    link,
    node,  // of entries of folders
    sync,
    sync_all
  };
  Kind kind = Kind::sync;
  std::string path,
      other;  // other: where a rename or link leads, a symbolic link's target, an attribute's name
  std::string data;
  std::uint64_t offset = 0;  // of data; the size of truncate
  std::uint32_t mode = 0, uid = 0, gid = 0;
  bool is_new = false;  // where it was opened, or where a rename leads, nothing was before
  std::string program;
};

// Watches calls of a traced program, before and after each, in the tracer's root.
class WriteRecorder {
 public:
  void before(const Call& call);
  void after(const Call& call, std::int64_t result);
  const std::vector<WriteOp>& log() const { return log_; }

 private:
  struct Begun {
    std::vector<std::string> paths;
    bool was_there = false;
  };
  std::map<pid_t, Begun> begun_;
  std::vector<WriteOp> log_;
};

std::string to_bytes(const std::vector<WriteOp>& log);
std::vector<WriteOp> from_bytes(const std::string& bytes);

// Which of the first `count` changes a power cut right behind them leaves. Of our own program nothing is
// assumed but what was synced. Where another program renames a file over one that was there, the data come with
// the entry, as ext4 (auto_da_alloc) and Btrfs have it: apt keeps extended_states so, without a sync.
enum class Loss {
  data,    // entries of folders and attributes are all there, data of files only where it was synced
  strict,  // nothing but what was synced: a file's own by its fsync, an entry by that of its folder
  torn,    // of the rest, entries and attributes up to some moment, and some of the data; the same for the same
           // count
};
std::string name_of(Loss loss);
std::vector<std::size_t> survivors(const std::vector<WriteOp>& log, std::size_t count, Loss loss);

// Does the change in the root of this process. A change of what did not survive is none.
void replay(const WriteOp& op);

}  // namespace torture
