// The interface of the sqlite backend: one database file, its statements, and compression for content stored in
// it and beside it, in plain C types. No exception crosses this boundary.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

enum mlops_sqlite_failure {
  mlops_sqlite_none,
  mlops_sqlite_other,
  mlops_sqlite_damaged,    // not a database, or an incomplete one
  mlops_sqlite_full,       // the disk is full
  mlops_sqlite_busy,       // another process held the write lock for longer than the timeout
  mlops_sqlite_read_only,  // it cannot be written to, or cannot be opened
  mlops_sqlite_system,     // a system call failed: says nothing about the content
};

struct mlops_sqlite_result {
  mlops_sqlite_failure failure;
  char message[512];  // the cause as text; "" for none
};

// Opens an existing database; creates one only with create. Its path contains no symbolic link. Waits up to
// busy_ms for another writer. Each commit is durable when it returns (WAL, synchronous=FULL). Null after
// filling result.
typedef void* mlops_sqlite_open_fn(const char* path, bool create, int busy_ms, mlops_sqlite_result* result);
// An in-memory copy of the current content. Null after filling result.
typedef void* mlops_sqlite_copy_fn(void* database, mlops_sqlite_result* result);
typedef void mlops_sqlite_close_fn(void* database);
// Whether the file was removed, renamed or replaced since it was opened: later writes are lost.
typedef bool mlops_sqlite_moved_fn(void* database);
// Runs statements that return nothing, separated by ; and without parameters.
typedef bool mlops_sqlite_run_fn(void* database, const char* sql, mlops_sqlite_result* result);

// One statement, kept for reuse. Null after filling result.
typedef void* mlops_sqlite_prepare_fn(void* database, const char* sql, mlops_sqlite_result* result);
typedef void mlops_sqlite_finalize_fn(void* statement);
// Parameters count from 1. Bytes are copied.
typedef void mlops_sqlite_bind_integer_fn(void* statement, int parameter, std::int64_t value);
typedef void mlops_sqlite_bind_text_fn(void* statement, int parameter, const char* bytes, std::size_t size);
typedef void mlops_sqlite_bind_blob_fn(void* statement, int parameter, const char* bytes, std::size_t size);
// 1: there is a row; 0: there is no further one, and the statement can be bound again; -1 after filling result.
typedef int mlops_sqlite_step_fn(void* statement, mlops_sqlite_result* result);
// Ends the rows, and clears the bound parameters.
typedef void mlops_sqlite_reset_fn(void* statement);
// Columns count from 0. Bytes live until the next step or reset.
typedef bool mlops_sqlite_is_null_fn(void* statement, int column);
typedef std::int64_t mlops_sqlite_integer_fn(void* statement, int column);
typedef const char* mlops_sqlite_bytes_fn(void* statement, int column, std::size_t* size);

// zstd (RFC 8878). The size of the result, 0 if it does not fit into capacity or the input is damaged.
typedef std::size_t mlops_sqlite_compress_fn(const char* bytes, std::size_t size, char* into,
                                             std::size_t capacity);
typedef std::size_t mlops_sqlite_expand_fn(const char* bytes, std::size_t size, char* into,
                                           std::size_t capacity);

}  // extern "C"
