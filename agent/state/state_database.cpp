#include "state/state_database.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "base/handle.hpp"
#include "state/schema.hpp"

namespace mlops {
namespace {

using Cause = DatabaseError::Cause;

// Only one process at a time creates the database in a folder, or sets it aside.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!folder_) throw system_error("cannot open the state folder " + folder, errno);
    while (::flock(folder_.get(), LOCK_EX) != 0)
      if (errno != EINTR) throw system_error("cannot lock the state folder " + folder, errno);
  }
  void sync() const {
    if (::fsync(folder_.get()) != 0) throw system_error("cannot sync the state folder", errno);
  }

 private:
  Handle folder_;
};

// The last writer was killed, or is still running.
bool has_log(const std::string& path) {
  struct stat log {};
  return ::stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0;
}

// SQLite reads a truncated last page as one that ends with zeros. https://sqlite.org/fileformat.html, 1.3
void check_size(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  unsigned char head[100] = {};
  if (!file || ::fstat(file.get(), &status) != 0) throw system_error("cannot read " + path, errno);
  ssize_t read = 0;
  while ((read = ::pread(file.get(), head, sizeof head, 0)) < 0)
    if (errno != EINTR) throw system_error("cannot read " + path, errno);
  const auto page = static_cast<off_t>(head[16] == 0 && head[17] == 1 ? 65536 : head[16] << 8 | head[17]);
  const auto pages = static_cast<off_t>(head[28]) << 24 | head[29] << 16 | head[30] << 8 | head[31];
  if (read != sizeof head || page < 512 || status.st_size < page * pages)
    throw DatabaseError(Cause::damaged, fmt::format("it has {} bytes, and is not whole", status.st_size));
}

void check_all(Database& database) {
  Statement& check = database.statement("PRAGMA quick_check(1)").with();
  const std::string found = check.step() ? check.text(0) : "";
  check.with();
  if (found != "ok") throw DatabaseError(Cause::damaged, found);
}

// SQLite reports an unreadable page as a damaged database.
void check_readable(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return;
  if (!file) throw system_error("cannot read " + path, errno);
  std::string block(1u << 20, '\0');
  for (;;) {
    const ssize_t n = ::read(file.get(), block.data(), block.size());
    if (n < 0 && errno != EINTR) throw system_error("cannot read " + path, errno);
    if (n == 0) return;
  }
}

class Opening {
 public:
  explicit Opening(const StateDatabaseSettings& settings)
      : settings_(settings),
        path_(settings.folder + "/state.db"),
        migrations_(settings.migrations.empty() ? mlops::migrations() : settings.migrations) {}

  std::unique_ptr<Database> go() {
    try {
      // Repeated damage within a moment does not come from the file.
      for (int left = 3;; --left) try {
          return open_or_make();
        } catch (const Error& e) {
          if (left == 0) throw;
          if (is_replaced()) continue;
          const auto* failure = dynamic_cast<const DatabaseError*>(&e);
          if (!failure || failure->cause() != Cause::damaged) throw;
          if (is_sound_or_replaced()) continue;
          if (reading()) return unreadable(e.message());
          set_state_aside(settings_.folder, inode_, e.message(), settings_.notice);
        }
    } catch (const DatabaseError& e) {
      if (reading() && e.cause() != Cause::system) return unreadable(e.message());
      throw Error(fmt::format("the state database {} cannot be used: {}{}", path_, e.message(), why_closed(e)));
    }
  }

 private:
  // SQLite does not say why a file cannot be opened: the folder's permissions may.
  std::string why_closed(const DatabaseError& e) const {
    if (e.cause() != Cause::read_only || ::access(settings_.folder.c_str(), W_OK) == 0) return "";
    return std::string(": ") + std::strerror(errno);
  }

  // Another process has set aside, or created, the file since the check.
  bool is_replaced() const {
    struct stat now {};
    return ::lstat(path_.c_str(), &now) != 0 ? errno == ENOENT && inode_ != 0 : now.st_ino != inode_;
  }

  bool is_sound_or_replaced() const try { return is_sound(settings_.folder, false); } catch (const Error&) {
    if (!is_replaced()) throw;
    return true;
  }

  bool reading() const { return settings_.use == StateDatabaseSettings::For::reading; }

  std::unique_ptr<Database> unreadable(const std::string& why) const {
    if (settings_.notice)
      settings_.notice(fmt::format(
          "the state database {} cannot be read: {}; what earlier runs left is not known", path_, why));
    return nullptr;
  }

  std::unique_ptr<Database> open_or_make() {
    struct stat status {};
    if (::lstat(path_.c_str(), &status) != 0) {
      if (errno != ENOENT) throw system_error("cannot look at " + path_, errno);
      if (reading()) return nullptr;
      make();
    }
    inode_ = status.st_ino;
    const bool unfinished = has_log(path_);
    if (inode_ != 0 && !unfinished) check_size(path_);
    auto database = std::make_unique<Database>(path_, Database::Open::existing);
    if (unfinished) check_all(*database);
    if (database->integer("PRAGMA application_id") != state_application_id)
      throw DatabaseError(Cause::damaged, "it is no state database of mlops-agent");
    // A database opened for reading is left untouched.
    if (reading() && database->integer("PRAGMA user_version") < static_cast<std::int64_t>(migrations_.size()))
      database = database->copy();
    bring_up_to_date(*database);
    return database;
  }

  // Under a temporary name until it is complete and durable.
  void make() {
    const FolderLock lock(settings_.folder);
    if (::access(path_.c_str(), F_OK) == 0) return;
    const std::string fresh = path_ + ".new";
    for (const char* part : {"", "-wal", "-shm", "-journal"}) ::unlink((fresh + part).c_str());
    const Handle file(::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) throw made_by(fresh, errno);
    {
      Database database(fresh, Database::Open::existing);
      database.run(fmt::format("PRAGMA application_id = {}", state_application_id));
      bring_up_to_date(database);
      // Checkpoints everything into the file itself: closing would do so too, but would not report a failure.
      if (database.integer("PRAGMA wal_checkpoint(TRUNCATE)") != 0)
        throw DatabaseError(Cause::busy, "another process uses " + fresh);
    }
    sync_way_to_folder();
    ::unlink((settings_.folder + "/settled").c_str());  // of an earlier one: state/mark.hpp
    if (::fsync(file.get()) != 0 || ::rename(fresh.c_str(), path_.c_str()) != 0) throw made_by(fresh, errno);
    lock.sync();
  }

  // The folder, and those above it, may have just been created: a power cut that removes a folder removes the
  // database in it.
  void sync_way_to_folder() const {
    for (std::string at = settings_.folder; at.size() > 1 && at.front() == '/';) {
      at = at.substr(0, std::max<std::size_t>(at.rfind('/'), 1));
      const Handle above(::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!above && errno == EACCES) return ::sync();  // it cannot be read, and so not synced alone
      if (!above || ::fsync(above.get()) != 0) throw system_error("cannot sync the folder " + at, errno);
    }
  }

  static Error made_by(const std::string& path, int error) {
    if (error == EROFS)
      return DatabaseError(Cause::read_only, system_error("cannot make " + path, error).what());
    return system_error("cannot make " + path, error);
  }

  void bring_up_to_date(Database& database) {
    const auto known = static_cast<std::int64_t>(migrations_.size());
    const std::int64_t version = database.integer("PRAGMA user_version");
    if (version == known) return;
    if (version > known)
      throw Error(fmt::format(
          "the state database {} was written by a newer mlops-agent (its schema is {}, this program "
          "knows up to {}): use that version, or another folder with --state",
          path_, version, known));
    Transaction transaction(database);
    // Another process may have been faster.
    for (std::int64_t at = database.integer("PRAGMA user_version"); at < known; ++at)
      database.run(migrations_[static_cast<std::size_t>(at)]);
    database.run(fmt::format("PRAGMA user_version = {}", known));
    transaction.commit();
  }

  const StateDatabaseSettings& settings_;
  std::string path_;
  std::span<const char* const> migrations_;
  ino_t inode_ = 0;
};

}  // namespace

std::unique_ptr<Database> open_state_database(const StateDatabaseSettings& settings) {
  return Opening(settings).go();
}

bool is_sound(const std::string& folder, bool tables) {
  const std::string path = folder + "/state.db";
  for (const char* part : {"", "-wal"}) check_readable(path + part);
  try {
    if (!has_log(path)) check_size(path);
    Database database(path, Database::Open::existing);
    check_all(database);
    return database.integer("PRAGMA application_id") == state_application_id &&
           (!tables || has_right_tables(database));
  } catch (const DatabaseError& e) {
    if (e.cause() == Cause::damaged || e.cause() == Cause::other) return false;
    throw;
  }
}

bool has_right_tables(Database& database) try {
  std::string all;
  std::size_t wanted = 0, found = 0;
  for (const char* migration : mlops::migrations()) all += migration;
  for (auto at = all.find("\nCREATE "); at != all.npos; at = all.find("\nCREATE ", at + 1)) ++wanted;
  Statement& tables = database.statement("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").with();
  bool right = true;
  while (tables.step()) {
    right = right && all.find(tables.text(0)) != all.npos;  // as it was written
    ++found;
  }
  return right && found == wanted;
} catch (const DatabaseError&) {
  return false;
}

void set_state_aside(const std::string& folder, std::uint64_t inode, const std::string& reason,
                     const Notice& notice) {
  const FolderLock lock(folder);
  const std::string path = folder + "/state.db";
  struct stat now {};
  if (::lstat(path.c_str(), &now) != 0 || now.st_ino != inode) return;
  const std::string stem = fmt::format("{}.damaged-{:%Y%m%dT%H%M%S}", path, fmt::gmtime(std::time(nullptr)));
  std::string aside = stem;
  for (int n = 2; ::access(aside.c_str(), F_OK) == 0; ++n) aside = fmt::format("{}.{}", stem, n);
  for (const char* part : {"-wal", ""})
    if (::rename((path + part).c_str(), (aside + part).c_str()) != 0 && errno != ENOENT)
      throw system_error("cannot set the damaged state database aside as " + aside, errno);
  ::unlink((path + "-shm").c_str());
  lock.sync();
  if (notice)
    notice(fmt::format(
        "the state database {} is damaged ({}); it was set aside as {}, and a new one is begun. Runs "
        "before this one can no longer be listed or undone.",
        path, reason, aside));
}

}  // namespace mlops
