// SQLite and zstd behind sqlite_api.hpp.
#include <sqlite3.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "backends/sqlite_api.hpp"

#define MLOPS_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int compression_level = 3;  // zstd's own default

mlops_sqlite_failure failure_of(int code) {
  switch (code & 0xff) {
    case SQLITE_OK:
      return mlops_sqlite_none;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return mlops_sqlite_damaged;
    case SQLITE_FULL:
      return mlops_sqlite_full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return mlops_sqlite_busy;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return mlops_sqlite_read_only;
    case SQLITE_IOERR:
      // A truncated file reads short where a whole page is expected.
      return code == SQLITE_IOERR_SHORT_READ ? mlops_sqlite_damaged : mlops_sqlite_system;
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
      return mlops_sqlite_system;
    default:
      return mlops_sqlite_other;
  }
}

// The system's errno, which SQLite's message omits; 0 if there was none. (For a file that cannot be opened
// SQLite tries more than one way, and reports only the last.)
int system_error_of(sqlite3* database, int code) {
  return database && (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(database) : 0;
}

void tell(sqlite3* database, int code, mlops_sqlite_result* result) {
  result->failure = failure_of(code);
  const char* words = database ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  const int error = system_error_of(database, code);
  if (error == ENOSPC || error == EDQUOT) result->failure = mlops_sqlite_full;
  if (error != 0)
    std::snprintf(result->message, sizeof result->message, "%s: %s", words, std::strerror(error));
  else
    std::snprintf(result->message, sizeof result->message, "%s", words);
}

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};

// A database that others may have damaged: no code in it is run, and pages are checked before they are used.
int guard(sqlite3* database) {
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return sqlite3_exec(database,
                      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                      "PRAGMA foreign_keys = ON;",
                      nullptr, nullptr, nullptr);
}

}  // namespace

MLOPS_EXPORT void* mlops_sqlite_open(const char* path, bool create, int busy_ms, mlops_sqlite_result* result) {
  result->failure = mlops_sqlite_none;
  result->message[0] = '\0';
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE |
                    (create ? SQLITE_OPEN_CREATE : 0);
  int code = sqlite3_open_v2(path, &opened, flags, nullptr);
  std::unique_ptr<sqlite3, Close> database(opened);
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(opened, busy_ms);
    code = guard(opened);
  }
  if (code == SQLITE_OK)
    // A checkpoint costs two syncs: one for each 16 MB of 4 KiB pages.
    code = sqlite3_exec(
        opened, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;",
        nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return database.release();
  tell(opened, code, result);
  return nullptr;
}

MLOPS_EXPORT void* mlops_sqlite_copy(void* database, mlops_sqlite_result* result) {
  sqlite3* opened = nullptr;
  int code = sqlite3_open_v2(
      ":memory:", &opened,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<sqlite3, Close> copy(opened);
  if (code == SQLITE_OK) {
    sqlite3_backup* backup = sqlite3_backup_init(opened, "main", static_cast<sqlite3*>(database), "main");
    if (backup) sqlite3_backup_step(backup, -1);
    code = backup ? sqlite3_backup_finish(backup) : sqlite3_extended_errcode(opened);
  }
  if (code == SQLITE_OK) code = guard(opened);
  if (code == SQLITE_OK) return copy.release();
  tell(opened, code, result);
  return nullptr;
}

MLOPS_EXPORT void mlops_sqlite_close(void* database) { Close()(static_cast<sqlite3*>(database)); }

MLOPS_EXPORT bool mlops_sqlite_moved(void* database) {
  int moved = 0;
  sqlite3_file_control(static_cast<sqlite3*>(database), nullptr, SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

MLOPS_EXPORT bool mlops_sqlite_run(void* database, const char* sql, mlops_sqlite_result* result) {
  const auto db = static_cast<sqlite3*>(database);
  const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) tell(db, code, result);
  return code == SQLITE_OK;
}

MLOPS_EXPORT void* mlops_sqlite_prepare(void* database, const char* sql, mlops_sqlite_result* result) {
  const auto db = static_cast<sqlite3*>(database);
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) tell(db, code, result);
  return statement;
}

MLOPS_EXPORT void mlops_sqlite_finalize(void* statement) {
  sqlite3_finalize(static_cast<sqlite3_stmt*>(statement));
}

MLOPS_EXPORT void mlops_sqlite_bind_integer(void* statement, int parameter, std::int64_t value) {
  sqlite3_bind_int64(static_cast<sqlite3_stmt*>(statement), parameter, value);
}

MLOPS_EXPORT void mlops_sqlite_bind_text(void* statement, int parameter, const char* bytes, std::size_t size) {
  sqlite3_bind_text64(static_cast<sqlite3_stmt*>(statement), parameter, bytes, size, SQLITE_TRANSIENT,
                      SQLITE_UTF8);
}

MLOPS_EXPORT void mlops_sqlite_bind_blob(void* statement, int parameter, const char* bytes, std::size_t size) {
  sqlite3_bind_blob64(static_cast<sqlite3_stmt*>(statement), parameter, bytes, size, SQLITE_TRANSIENT);
}

MLOPS_EXPORT int mlops_sqlite_step(void* statement, mlops_sqlite_result* result) {
  const auto prepared = static_cast<sqlite3_stmt*>(statement);
  const int code = sqlite3_step(prepared);
  if (code == SQLITE_ROW) return 1;
  if (code != SQLITE_DONE) tell(sqlite3_db_handle(prepared), code, result);
  sqlite3_reset(prepared);
  return code == SQLITE_DONE ? 0 : -1;
}

MLOPS_EXPORT void mlops_sqlite_reset(void* statement) {
  const auto prepared = static_cast<sqlite3_stmt*>(statement);
  sqlite3_reset(prepared);
  sqlite3_clear_bindings(prepared);
}

MLOPS_EXPORT bool mlops_sqlite_is_null(void* statement, int column) {
  return sqlite3_column_type(static_cast<sqlite3_stmt*>(statement), column) == SQLITE_NULL;
}

MLOPS_EXPORT std::int64_t mlops_sqlite_integer(void* statement, int column) {
  return sqlite3_column_int64(static_cast<sqlite3_stmt*>(statement), column);
}

MLOPS_EXPORT const char* mlops_sqlite_bytes(void* statement, int column, std::size_t* size) {
  const auto prepared = static_cast<sqlite3_stmt*>(statement);
  const void* bytes = sqlite3_column_blob(prepared, column);
  *size = static_cast<std::size_t>(sqlite3_column_bytes(prepared, column));
  return static_cast<const char*>(bytes);
}

MLOPS_EXPORT std::size_t mlops_sqlite_compress(const char* bytes, std::size_t size, char* into,
                                               std::size_t capacity) {
  const std::size_t made = ZSTD_compress(into, capacity, bytes, size, compression_level);
  return ZSTD_isError(made) ? 0 : made;
}

MLOPS_EXPORT std::size_t mlops_sqlite_expand(const char* bytes, std::size_t size, char* into,
                                             std::size_t capacity) {
  const std::size_t made = ZSTD_decompress(into, capacity, bytes, size);
  return ZSTD_isError(made) ? 0 : made;
}
