// A SQLite database of the state. The library itself is in a backend, loaded on first use.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mlops {

class DatabaseError : public Error {
 public:
  enum class Cause {
    other,
    damaged,    // not a database, or an incomplete one
    full,       // the disk is full
    busy,       // another process held the write lock for longer than the timeout
    read_only,  // it cannot be written to, or cannot be opened
    system,     // a system call failed: says nothing about the content
  };
  DatabaseError(Cause cause, std::string message) : Error(std::move(message)), cause_(cause) {}
  Cause cause() const { return cause_; }

 private:
  Cause cause_;
};

// The backend's functions (backends/sqlite_api.hpp).
struct SqliteFunctions;

// Binary data.
struct Blob {
  std::string_view bytes;
};

// A statement that may be run repeatedly; returns its rows one at a time. Lives as long as its database.
class Statement {
 public:
  Statement(const SqliteFunctions& functions, void* statement) : functions_(functions), statement_(statement) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Binds the parameters in order and restarts the statement. An absent optional is NULL.
  template <class... Values>
  Statement& with(const Values&... values) {
    reset();
    int parameter = 0;
    (bind(++parameter, values), ...);
    return *this;
  }
  // Whether there is a (further) row. Error.
  bool step();
  // For a statement without rows.
  void run() { step(); }

  // Columns of the row, from 0.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;  // also bytes; "" for NULL

 private:
  void reset();
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, std::string_view value);
  void bind(int parameter, Blob value);
  void bind(int parameter, const std::string& value) { bind(parameter, std::string_view(value)); }
  void bind(int parameter, const char* value) { bind(parameter, std::string_view(value)); }
  template <class T>
  void bind(int parameter, const std::optional<T>& value) {
    if (value) bind(parameter, *value);
  }
  const SqliteFunctions& functions_;
  void* statement_;
};

// Each commit is durable when it returns. Single-threaded. Every member throws DatabaseError.
class Database {
 public:
  enum class Open { existing, make };
  // path contains no symbolic link. Waits for other writers up to the given time.
  Database(const std::string& path, Open how, int busy_ms = 10'000);
  // An in-memory copy of its current content: writes to it never reach the file.
  std::unique_ptr<Database> copy() const;
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  // Statements without parameters and rows, separated by ;
  void run(const std::string& sql);
  // Prepared once for each text. Must not be used while its own rows are being read.
  Statement& statement(const char* sql);
  std::int64_t integer(const char* sql);  // the first column of the first row; 0 if there is none
  // Whether the file was removed, renamed or replaced: writes to this are then lost.
  bool moved() const;

  // Compressed with zstd, if that saves at least an eighth; absent otherwise.
  std::optional<std::string> compressed(std::string_view bytes) const;
  // The inverse, for a known size. Error damaged.
  std::string expanded(std::string_view bytes, std::size_t size) const;

 private:
  Database(std::string path, void* database) : path_(std::move(path)), database_(database) {}
  std::string path_;
  void* database_ = nullptr;
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> statements_;
};

// Rolled back unless committed. Begins as a writer, so that it never fails half-way because of another writer.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(&database) { database.run("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database* database_;
};

}  // namespace mlops
